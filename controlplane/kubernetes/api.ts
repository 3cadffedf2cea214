import { once } from "node:events";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { createInterface } from "node:readline";
import { KubeConfig } from "@kubernetes/client-node";

/** The API answered, and refused. */
export class KubernetesError extends Error {
  /** Of HTTP, such as 404; 410 for a version that is no more. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A cluster cannot be used as it was named. */
export class KubeConfigError extends Error {}

/** An event of a watch, or a line of it that tells of an error. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

type Query = Readonly<Record<string, string>>;

const ANSWER_TIMEOUT_MS = 60_000;

/** The API of a cluster, as JSON over a few connections that are kept. */
export class KubernetesApi {
  readonly #config: KubeConfig;
  readonly #server: URL;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  private constructor(config: KubeConfig, server: URL) {
    this.#config = config;
    this.#server = server;
    const options = { keepAlive: true, maxFreeSockets: 4 };
    this.#agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  }

  /**
   * @param kubeconfig path of a file; without it, the cluster in which this process runs.
   * @throws KubeConfigError
   */
  static open(kubeconfig?: string): KubernetesApi {
    const config = new KubeConfig();
    try {
      if (kubeconfig === undefined) config.loadFromCluster();
      else config.loadFromFile(kubeconfig);
    } catch (error) {
      throw new KubeConfigError(
        `${kubeconfig ?? "the cluster"}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const server = config.getCurrentCluster()?.server ?? "";
    if (!URL.canParse(server)) {
      throw new KubeConfigError(
        kubeconfig === undefined
          ? "this process runs in no cluster; --kubeconfig names one"
          : `${kubeconfig}: its current context names no cluster`,
      );
    }
    return new KubernetesApi(config, new URL(server));
  }

  /** Where the API is. */
  get server(): string {
    return this.#server.origin;
  }

  /**
   * The JSON that is at a path.
   * @throws KubernetesError when the API refuses; Error when it is not reached.
   */
  async get(path: string, query: Query = {}): Promise<unknown> {
    return this.#json(await this.#send("GET", path, query, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }));
  }

  /** @param contentType of `body`, which tells the kinds of patches apart. */
  async send(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    query: Query,
    body: unknown,
    contentType = "application/json",
  ): Promise<unknown> {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    return this.#json(await this.#send(method, path, query, { signal, body: JSON.stringify(body), contentType }));
  }

  /** The events of a watch, until the API ends it or `signal` does. */
  async *watch(path: string, query: Query, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.#send("GET", path, { ...query, watch: "true" }, { signal });
    if (response.statusCode !== 200) await this.#json(response);
    response.socket.setKeepAlive(true, 15_000);
    for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
      if (line !== "") yield parse(line) as WatchEvent;
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #send(
    method: string,
    path: string,
    query: Query,
    {
      signal,
      body,
      contentType,
    }: { readonly signal: AbortSignal; readonly body?: string; readonly contentType?: string },
  ): Promise<IncomingMessage> {
    const url = new URL(this.#server.href.replace(/\/$/, "") + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const authorized: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(authorized);
    const isHttps = url.protocol === "https:";
    const hasProxy = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    const options: RequestOptions = {
      ...authorized,
      // The library makes one for each request, and so a connection.
      ...(hasProxy ? {} : { agent: isHttps ? this.#agents.https : this.#agents.http }),
      method,
      signal,
      headers: {
        ...(authorized.headers as OutgoingHttpHeaders | undefined),
        accept: "application/json",
        "user-agent": "meshwright",
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
    };
    const sent = (isHttps ? httpsRequest : httpRequest)(url, options);
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    // What comes after the response is told by its own stream.
    sent.on("error", () => undefined);
    return response;
  }

  async #json(response: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return parse(text);
    throw new KubernetesError(status, messageOf(text) ?? `the API answered with ${String(status)}`);
  }
}

/** The library's error may quote what was sent, and that may be a Secret. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("what the API sent is no JSON, or not all of it");
  }
}

/** Of a `Status`, as the API answers where it refuses. */
function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return text.trim() === "" ? undefined : text.trim().slice(0, 500);
  }
}
