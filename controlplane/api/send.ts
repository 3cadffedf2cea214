import type { ServerResponse } from "node:http";

/** Answers with JSON; to HEAD without it. */
export function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(response.req.method === "HEAD" ? undefined : `${JSON.stringify(body, undefined, 2)}\n`);
}
