import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** A smaller answer is not made much smaller by it. */
const MIN_COMPRESSED = 1_400;

/**
 * Answers with JSON to a caller that asks again and again: with 304 and nothing where it has it already (RFC 9110, section 13.1.2),
 * and compressed where it takes that.
 */
export async function sendFresh(response: ServerResponse, body: object): Promise<void> {
  const { headers, method } = response.req;
  const text = JSON.stringify(body);
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
  const common = { etag, "cache-control": "private, no-cache", vary: "accept-encoding" };
  if (matches(headers["if-none-match"], etag)) {
    response.writeHead(304, common).end();
    return;
  }
  const type = { ...common, "content-type": "application/json" };
  const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(headers["accept-encoding"] ?? "");
  if (!takesGzip || text.length < MIN_COMPRESSED) {
    response.writeHead(200, type).end(method === "HEAD" ? undefined : text);
    return;
  }
  const packed = await compress(text, { level: 4 });
  response.writeHead(200, { ...type, "content-encoding": "gzip", "content-length": packed.length });
  response.end(method === "HEAD" ? undefined : packed);
}

/** As for GET: by the weak comparison. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*");
}
