// The service example.quota.v1.Quota, each user having three requests: node examples/grpc-callout/service.mjs
import { createServer } from "node:http2";
import { pathToFileURL } from "node:url";

/** @param {number} port */
export function startQuotaService(port, limit = 3) {
  /** @type {Map<string, number>} */
  const used = new Map();
  const server = createServer();
  server.on("stream", (stream, headers) => {
    /** @type {Buffer[]} */
    const chunks = [];
    stream.on("data", (/** @type {Buffer} */ chunk) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.on("end", () => {
      // A flag, the length in four bytes, then the message: field 1, a string of less than 128 bytes.
      const user = Buffer.concat(chunks).subarray(7).toString();
      const count = (used.get(user) ?? 0) + 1;
      used.set(user, count);
      const isKnown = headers[":path"] === "/example.quota.v1.Quota/Take";
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": isKnown ? "0" : "12" }));
      const reply = count > limit ? [] : [0x08, 1, 0x10, limit - count];
      stream.end(Buffer.from([0, 0, 0, 0, reply.length, ...reply]));
    });
  });
  return server.listen(port, "127.0.0.1");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) startQuotaService(10002);
