import type { IncomingMessage, ServerResponse } from "node:http";
import type { ModuleStore } from "./store.ts";

const path = /^\/modules\/([0-9a-f]{64})\.wasm$/;

/** The path of a request as it was sent, without its query. A client may send anything there, also what is no URL. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/**
 * Serves `GET /modules/<sha256>.wasm`, which Envoy fetches remote code from. The query is of no meaning: an attempt's number
 * stands there. Gives false when the request is for something else.
 */
export function serveModule(store: ModuleStore, request: IncomingMessage, response: ServerResponse): boolean {
  const asked = pathOf(request);
  if (!asked.startsWith("/modules/")) return false;
  const sha256 = path.exec(asked)?.[1];
  const bytes = sha256 === undefined ? undefined : store.get(sha256);
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
  } else if (sha256 === undefined || bytes === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("no such module\n");
  } else if (request.headers["if-none-match"] === `"${sha256}"`) {
    response.writeHead(304).end();
  } else {
    response.setHeader("content-length", bytes.length);
    response.writeHead(200, {
      "content-type": "application/wasm",
      etag: `"${sha256}"`,
      "cache-control": "public, max-age=31536000, immutable",
    });
    response.end(request.method === "GET" ? bytes : undefined);
  }
  return true;
}
