// Serves a page of 16 KiB in pieces: node examples/body-rewrite/upstream.mjs
import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** The page: 256 lines of 64 bytes, each with a link. */
export const PAGE = Array.from({ length: 256 }, (_, i) =>
  `<p>${String(i).padStart(3, "0")} <a href="http://example.com/">http</a>`.padEnd(63, ".").concat("\n"),
).join("");

/** @param {number} port */
export function startUpstream(port) {
  const server = createServer((_request, response) => {
    void sendInPieces(response);
  });
  return server.listen(port, "127.0.0.1");
}

/** @param {import("node:http").ServerResponse} response */
async function sendInPieces(response) {
  response.writeHead(200, { "content-type": "text/html", "content-length": PAGE.length });
  // Pieces of 1,000 bytes cut links in two.
  for (let at = 0; at < PAGE.length; at += 1000) {
    response.write(PAGE.slice(at, at + 1000));
    await setImmediate();
  }
  response.end();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) startUpstream(10002);
