import type { Credentials } from "./credentials.ts";
import { OciError } from "./oci-error.ts";
import { formatReference, type Reference } from "./reference.ts";

const TIMEOUT_MS = 60_000;

/** What is sent to a registry. */
export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly body?: Uint8Array;
  /** The type of the body. */
  readonly type?: string;
  /** The types that may be in the answer. */
  readonly accept?: readonly string[];
}

/** A repository of a registry that speaks the OCI distribution specification. Over HTTPS; plain HTTP to this machine only. */
export class Registry {
  readonly origin: string;
  readonly #reference: Reference;
  readonly #credentials: Credentials | undefined;
  readonly #purpose: "push" | "fetch";
  #authorization: string | undefined;

  constructor(reference: Reference, credentials: Credentials | undefined, purpose: "push" | "fetch") {
    this.#reference = reference;
    this.origin = `${isLoopback(reference.registry) ? "http" : "https"}://${reference.registry}`;
    this.#credentials = credentials;
    this.#purpose = purpose;
  }

  url(path: string): URL {
    return new URL(`${this.origin}/v2/${this.#reference.repository}/${path}`);
  }

  /**
   * Sends a request, and once more with what the registry asks for when it answers 401.
   * @throws OciError when there is no answer, or no way to log in.
   */
  async send(url: URL, request: RegistryRequest): Promise<Response> {
    const once = (): Promise<Response> => {
      const headers: Record<string, string> = {};
      if (request.type !== undefined) headers["content-type"] = request.type;
      if (request.accept !== undefined) headers["accept"] = request.accept.join(", ");
      // A registry may keep blobs elsewhere, and that other host is not meant to see who asks.
      if (this.#authorization !== undefined && url.origin === this.origin)
        headers["authorization"] = this.#authorization;
      return this.#fetch(url, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
    };
    const answer = await once();
    if (answer.status !== 401 || url.origin !== this.origin) return answer;
    await answer.body?.cancel();
    this.#authorization = await this.#authorize(answer.headers.get("www-authenticate") ?? "");
    return once();
  }

  /** The error for an answer that is not what was asked for. */
  async refusal(what: string, answer: Response): Promise<OciError> {
    const text = (await answer.text()).trim().slice(0, 500);
    return this.fault(
      `the registry refused ${what} with status ${String(answer.status)}${text === "" ? "" : `: ${text}`}`,
    );
  }

  fault(message: string): OciError {
    return new OciError(`cannot ${this.#purpose} ${formatReference(this.#reference)}: ${message}`);
  }

  /** What to send as `authorization`, by the challenge of a registry (RFC 9110, section 11; the token scheme of Docker). */
  async #authorize(challenge: string): Promise<string> {
    if (/^basic\b/i.test(challenge)) {
      if (this.#credentials === undefined) throw this.fault("it asks who you are: run docker login for it first");
      return `Basic ${this.#credentials}`;
    }
    const parameters = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    const realm = parameters.get("realm");
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) {
      throw this.fault(`it asks for a way to log in that is not supported (${challenge === "" ? "none" : challenge})`);
    }
    const url = new URL(realm);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.host))) {
      throw this.fault(`it sends to ${url.origin} for a token, which is not HTTPS`);
    }
    const service = parameters.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    const actions = this.#purpose === "push" ? "pull,push" : "pull";
    url.searchParams.set("scope", `repository:${this.#reference.repository}:${actions}`);
    const headers: Record<string, string> =
      this.#credentials === undefined ? {} : { authorization: `Basic ${this.#credentials}` };
    const answer = await this.#fetch(url, { headers });
    if (!answer.ok) throw await this.refusal("a token", answer);
    const { token, access_token } = (await answer.json()) as { token?: unknown; access_token?: unknown };
    const given = token ?? access_token;
    if (typeof given !== "string") throw this.fault(`${url.origin} gave no token`);
    return `Bearer ${given}`;
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw this.fault(`no answer from ${url.origin}: ${reasonOf(error)}`);
    }
  }
}

/** Why fetch failed: what is below its own "fetch failed". */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}
