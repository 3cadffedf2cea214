import type { IncomingMessage, ServerResponse } from "node:http";
import type { Sessions } from "./sessions.ts";

/** What the proxy asks the control plane. */
export interface Forwarded {
  readonly method: "GET" | "HEAD" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks the control plane as the user who started the command, and writes its answer. */
export type Forward = (request: Forwarded, response: ServerResponse) => void;

export interface ProxyOptions {
  readonly port: number;
  readonly sessions: Sessions;
  readonly forward: Forward;
}

const COMMAND = /^\/api\/v1\/rollouts\/[^/?]{1,253}\/[a-z]{1,20}$/;
/** What a page may be told: nothing of a backup, and no resource as it was written. */
const READS =
  /^\/api\/v1\/(caller|fleet|sidecar|status|history|quotas|limits|experiments|rollouts(\/[^/?]{1,253}(\/[a-z]{1,20})?)?)(\?|$)/;
const ASSETS = /^\/dashboard\/[\w.]{0,40}$/;

/**
 * Answers a browser on this machine. Any page that it shows, and any program here, may send requests to this port; only one that has a token
 * gets an answer of the control plane. The token travels in a header, which no browser adds by itself.
 */
export function answerBrowser(
  { port, sessions, forward }: ProxyOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method = "", url = "/", headers } = request;
  request.resume();
  // A name that somebody made resolve to this machine is not ours.
  if (headers.host === undefined || !hostsOf(port).includes(headers.host)) {
    refuse(response, 421, "this address is not that of the dashboard");
    return;
  }
  const site = headers["sec-fetch-site"];
  const isOurs = headers.origin === undefined || headers.origin === `http://${headers.host}`;
  const isFromElsewhere = site === "cross-site" || site === "same-site";
  if (!isOurs || (isFromElsewhere && !ASSETS.test(url))) {
    refuse(response, 403, "this request is of another page");
    return;
  }
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && (url === "/" || url === "/dashboard")) {
    response.writeHead(302, { location: "/dashboard/" }).end();
  } else if (isRead && ASSETS.test(url)) {
    forward({ method, path: url, headers: headersOf(request) }, response);
  } else if (method === "POST" && url === "/enter") {
    const token = sessions.exchange(bearerOf(request));
    if (token === undefined)
      refuse(response, 403, "this address was used, or is too old: press Enter in the terminal for a new one");
    else reply(response, 200, { token });
  } else if (!url.startsWith("/api/")) {
    refuse(response, 404, "there is nothing here but the dashboard");
  } else if (!sessions.isGood(bearerOf(request))) {
    refuse(response, 401, "open the address that the command printed");
  } else if ((isRead && READS.test(url)) || (method === "POST" && COMMAND.test(url))) {
    forward({ method, path: url, headers: headersOf(request) }, response);
  } else {
    refuse(response, 403, "the dashboard does not use this of the API");
  }
}

/** The names by which a browser on this machine reaches it. */
export function hostsOf(port: number): readonly string[] {
  return [`127.0.0.1:${port}`, `localhost:${port}`];
}

function bearerOf({ headers }: IncomingMessage): string {
  return /^Bearer +([\w-]{1,200})$/.exec(headers.authorization ?? "")?.[1] ?? "";
}

/** Nothing else of what a browser sends is the control plane's business: its credentials are those of the user. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of ["accept-encoding", "if-none-match"] as const) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}

function refuse(response: ServerResponse, status: number, error: string): void {
  reply(response, status, { error });
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(response.req.method === "HEAD" ? undefined : JSON.stringify(body));
}
