import { FilterError } from "../filter-error.ts";
import type { Blob, Image } from "./image.ts";
import type { Credentials } from "./credentials.ts";
import { formatReference, type Reference } from "./reference.ts";

const TIMEOUT_MS = 60_000;

/**
 * Pushes an image by the OCI distribution specification. Over HTTPS; plain HTTP to this machine only.
 * @throws FilterError when the registry cannot be reached, or refuses.
 */
export async function pushImage(image: Image, to: Reference, credentials: Credentials | undefined): Promise<void> {
  const registry = new Registry(to, credentials);
  for (const blob of image.blobs) await registry.putBlob(blob);
  await registry.putManifest(image.manifest, to.tag);
}

class Registry {
  readonly #reference: Reference;
  readonly #origin: string;
  readonly #credentials: Credentials | undefined;
  #authorization: string | undefined;

  constructor(reference: Reference, credentials: Credentials | undefined) {
    this.#reference = reference;
    this.#origin = `${isLoopback(reference.registry) ? "http" : "https"}://${reference.registry}`;
    this.#credentials = credentials;
  }

  async putBlob({ digest, bytes }: Blob): Promise<void> {
    const known = await this.#send(this.#url(`blobs/${digest}`), { method: "HEAD" });
    if (known.ok) return;
    const upload = await this.#send(this.#url("blobs/uploads/"), { method: "POST" });
    const location = upload.headers.get("location");
    if (upload.status !== 202 || location === null) throw await this.#refusal("an upload", upload);
    const target = new URL(location, this.#origin);
    target.searchParams.set("digest", digest);
    const stored = await this.#send(target, { method: "PUT", body: bytes, type: "application/octet-stream" });
    if (stored.status !== 201) throw await this.#refusal(`the blob ${digest}`, stored);
  }

  async putManifest({ bytes, mediaType, digest }: Blob, tag: string): Promise<void> {
    const stored = await this.#send(this.#url(`manifests/${tag}`), { method: "PUT", body: bytes, type: mediaType });
    if (stored.status !== 201) throw await this.#refusal(`the manifest ${digest}`, stored);
  }

  #url(path: string): URL {
    return new URL(`${this.#origin}/v2/${this.#reference.repository}/${path}`);
  }

  /** Sends a request, and once more with what the registry asks for when it answers 401. */
  async #send(url: URL, request: { method: string; body?: Uint8Array; type?: string }): Promise<Response> {
    const once = (): Promise<Response> => {
      const headers: Record<string, string> = {};
      if (request.type !== undefined) headers["content-type"] = request.type;
      // A registry may have blobs uploaded elsewhere, and that other host is not meant to see who pushes.
      if (this.#authorization !== undefined && url.origin === this.#origin)
        headers["authorization"] = this.#authorization;
      return this.#fetch(url, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
    };
    const answer = await once();
    if (answer.status !== 401 || url.origin !== this.#origin) return answer;
    await answer.body?.cancel();
    this.#authorization = await this.#authorize(answer.headers.get("www-authenticate") ?? "");
    return once();
  }

  /** What to send as `authorization`, by the challenge of a registry (RFC 9110, section 11; the token scheme of Docker). */
  async #authorize(challenge: string): Promise<string> {
    if (/^basic\b/i.test(challenge)) {
      if (this.#credentials === undefined) throw this.#fault("it asks who pushes: run docker login for it first");
      return `Basic ${this.#credentials}`;
    }
    const parameters = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    const realm = parameters.get("realm");
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) {
      throw this.#fault(`it asks for a way to log in that is not supported (${challenge === "" ? "none" : challenge})`);
    }
    const url = new URL(realm);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.host))) {
      throw this.#fault(`it sends to ${url.origin} for a token, which is not HTTPS`);
    }
    const service = parameters.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", `repository:${this.#reference.repository}:pull,push`);
    const headers: Record<string, string> =
      this.#credentials === undefined ? {} : { authorization: `Basic ${this.#credentials}` };
    const answer = await this.#fetch(url, { headers });
    if (!answer.ok) throw await this.#refusal("a token", answer);
    const { token, access_token } = (await answer.json()) as { token?: unknown; access_token?: unknown };
    const given = token ?? access_token;
    if (typeof given !== "string") throw this.#fault(`${url.origin} gave no token`);
    return `Bearer ${given}`;
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw this.#fault(`no answer from ${url.origin}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  async #refusal(what: string, answer: Response): Promise<FilterError> {
    const text = (await answer.text()).trim().slice(0, 500);
    return this.#fault(
      `the registry refused ${what} with status ${String(answer.status)}${text === "" ? "" : `: ${text}`}`,
    );
  }

  #fault(message: string): FilterError {
    return new FilterError(`cannot push ${formatReference(this.#reference)}: ${message}`);
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}
