import { Agent as PlainAgent, request as plainRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { formatHostPort } from "../../control/host-port.ts";
import { requestOptions, type Connection } from "../ask.ts";
import type { Forward } from "./proxy.ts";

/** A certificate for the API holds for five minutes; connections are made anew before that. */
const RENEW_MS = 4 * 60_000;

const PASSED = [
  ...["content-type", "content-encoding", "content-length", "etag", "cache-control", "vary", "allow"],
  ...["content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy"],
  ...["referrer-policy", "x-content-type-options", "x-frame-options"],
] as const;

interface Upstream {
  readonly since: number;
  readonly options: Awaited<ReturnType<typeof requestOptions>>;
  readonly agent: PlainAgent | SecureAgent;
}

/**
 * Forwards requests over connections with the user's certificate or token.
 *
 * @throws Error when there is no way to the control plane, before anything is asked.
 */
export async function forwarder(connection: Connection): Promise<{ readonly forward: Forward; close(): void }> {
  const url = `${connection.insecure ? "http" : "https"}://${formatHostPort(connection.http)}`;
  const connect = async (): Promise<Upstream> => {
    const options = await requestOptions(connection);
    const agent = connection.insecure ? new PlainAgent({ keepAlive: true }) : new SecureAgent({ keepAlive: true });
    return { since: Date.now(), options, agent };
  };
  let upstream = await connect();
  let renewing: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    const old = upstream;
    upstream = await connect();
    // What is under way on its connections is finished.
    setTimeout(() => old.agent.destroy(), 30_000).unref();
  };
  const forward: Forward = ({ method, path, headers }, response) => {
    const send = ({ options, agent }: Upstream): void => {
      const request = (connection.insecure ? plainRequest : secureRequest)(
        `${url}${path}`,
        { ...options, method, agent, headers: { ...options.headers, ...headers } },
        (answer) => pass(answer, response),
      );
      request.setTimeout(30_000, () => request.destroy(new Error("no answer in 30 s")));
      request.on("error", (error) => fail(response, `no answer from ${url}: ${error.message}`));
      response.on("close", () => request.destroy());
      request.end();
    };
    if (Date.now() - upstream.since < RENEW_MS) {
      send(upstream);
      return;
    }
    renewing ??= renew().finally(() => (renewing = undefined));
    renewing.then(
      () => send(upstream),
      (error: unknown) => fail(response, error instanceof Error ? error.message : String(error)),
    );
  };
  return { forward, close: () => upstream.agent.destroy() };
}

function pass(answer: IncomingMessage, response: ServerResponse): void {
  for (const name of PASSED) {
    const value = answer.headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  response.writeHead(answer.statusCode ?? 502);
  answer.on("error", () => response.destroy());
  answer.pipe(response);
}

function fail(response: ServerResponse, error: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(502, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}
