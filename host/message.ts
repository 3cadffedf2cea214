import { toBytes, type Bytes } from "./bytes.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";

/** A whole request, as a client sends it. */
export interface RequestInit {
  /** Default: GET. */
  readonly method?: string;
  /** Default: /. */
  readonly path?: string;
  /** Default: test.example. */
  readonly authority?: string;
  /** Default: http. */
  readonly scheme?: string;
  readonly headers?: HeadersInit;
  /** A list is sent piece by piece. */
  readonly body?: Bytes | readonly Bytes[];
  readonly trailers?: HeadersInit;
}

/** A whole response, as an upstream sends it. */
export interface ResponseInit {
  /** Default: 200. */
  readonly status?: number;
  readonly headers?: HeadersInit;
  /** A list is sent piece by piece. */
  readonly body?: Bytes | readonly Bytes[];
  readonly trailers?: HeadersInit;
}

/** The parts of a message in the order in which they are sent. */
export interface Message {
  readonly headers: [Uint8Array, Uint8Array][];
  readonly body: readonly Bytes[];
  readonly trailers: HeadersInit | undefined;
}

export function requestMessage(init: RequestInit): Message {
  const { method = "GET", path = "/", authority = "test.example", scheme = "http" } = init;
  const pseudo = { ":authority": authority, ":path": path, ":method": method, ":scheme": scheme };
  return message(pseudo, "request", init);
}

export function responseMessage(init: ResponseInit): Message {
  return message({ ":status": String(init.status ?? 200) }, "response", init);
}

function message(
  pseudo: Readonly<Record<string, string>>,
  kind: "request" | "response",
  { headers, body = [], trailers }: Pick<RequestInit, "headers" | "body" | "trailers">,
): Message {
  return {
    headers: [
      ...Object.entries(pseudo).map(([name, value]): [Uint8Array, Uint8Array] => [toBytes(name), toBytes(value)]),
      ...new HeaderMap(kind, headers).pairs().map(([name, value]): [Uint8Array, Uint8Array] => [name, value]),
    ],
    body: typeof body === "string" || body instanceof Uint8Array ? [body] : body,
    trailers,
  };
}
