import { toText } from "./bytes.ts";
import type { LocalReply } from "./context.ts";
import { HeaderMap } from "./header-map.ts";

/** A local response in the form in which Envoy sends it: headers, and a body that may be empty. */
export interface FormattedReply {
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
}

/** Makes of a local response what the client gets: a gRPC response for a gRPC request, else an HTTP response. */
export function formatLocalReply(reply: LocalReply, request: HeaderMap | undefined): FormattedReply {
  const headers = new HeaderMap("response", [[":status", String(reply.status)]]);
  for (const [name, value] of reply.headers.pairs()) headers.add(name, value);
  const isHead = request?.get(":method") === "HEAD";

  if (isGrpc(request)) {
    headers.replace(":status", "200");
    headers.replace("content-type", "application/grpc");
    if (!headers.get("grpc-status")) {
      headers.replace("grpc-status", String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
    }
    if (reply.body.length > 0 && !isHead && !headers.get("grpc-message")) {
      headers.replace("grpc-message", percentEncode(reply.body));
    }
    headers.remove("content-length");
    return { headers, body: new Uint8Array() };
  }

  if (reply.body.length > 0) {
    headers.replace("content-length", String(reply.body.length));
    if (!headers.has("content-type")) headers.add("content-type", "text/plain");
  } else {
    headers.remove("content-length");
    headers.remove("content-type");
  }
  return { headers, body: isHead ? new Uint8Array() : reply.body };
}

function isGrpc(request: HeaderMap | undefined): boolean {
  return /^application\/grpc(\+|$)/.test(request?.get("content-type") ?? "");
}

/** What a gRPC client is told of an HTTP status. */
function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13; // Internal
    case 401:
      return 16; // Unauthenticated
    case 403:
      return 7; // PermissionDenied
    case 404:
      return 12; // Unimplemented
    case 429:
    case 502:
    case 503:
    case 504:
      return 14; // Unavailable
    default:
      return 2; // Unknown
  }
}

/** The encoding of grpc-message: everything but printable ASCII, and the percent sign. */
export function percentEncode(body: Uint8Array): string {
  return [...body]
    .map((byte) => {
      const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
      return plain ? toText(Uint8Array.of(byte)) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
