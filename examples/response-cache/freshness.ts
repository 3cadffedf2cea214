import { HeaderMap } from "proxy-wasm-assemblyscript-sdk";

const DAY: i64 = 86_400;

/**
 * For how many seconds a shared cache may answer with a response, by its `cache-control` (RFC 9111, section 5.2.2); 0 for not at all.
 * Stricter than the RFC: a response without `max-age` or `s-maxage`, or that varies or sets a cookie, is not kept.
 */
export function freshSeconds(response: HeaderMap): i64 {
  if (response.has("vary") || response.has("set-cookie")) return 0;
  const directives = directivesOf(response);
  let seconds: i64 = 0;
  let isShared = false;
  for (let i = 0; i < directives.length; ++i) {
    const directive = directives[i];
    if (directive.startsWith("no-store") || directive.startsWith("no-cache")) return 0;
    if (directive.startsWith("private")) return 0;
    if (directive.startsWith("s-maxage=")) {
      seconds = I64.parseInt(directive.substring(9));
      isShared = true;
    } else if (directive.startsWith("max-age=") && !isShared) {
      seconds = I64.parseInt(directive.substring(8));
    }
  }
  return min(max(seconds, 0), DAY);
}

/** Whether a request may be answered from a shared cache, and its response be kept. */
export function isCacheable(request: HeaderMap): bool {
  if (request.get(":method") != "GET") return false;
  if (request.has("authorization") || request.has("cookie") || request.has("range")) return false;
  return directivesOf(request).length == 0;
}

function directivesOf(headers: HeaderMap): string[] {
  const directives: string[] = [];
  const values = headers.getAll("cache-control");
  for (let i = 0; i < values.length; ++i) {
    const parts = values[i].toLowerCase().split(",");
    for (let j = 0; j < parts.length; ++j) {
      const part = parts[j].trim();
      if (part.length) directives.push(part);
    }
  }
  return directives;
}
