import type { HeaderMap } from "./header-map.ts";
import type { Property, PropertyMap } from "./properties.ts";

/** What of a stream Envoy's attributes tell. Headers are undefined while the module cannot see them. */
export interface StreamFacts {
  readonly requestHeaders: HeaderMap | undefined;
  readonly responseHeaders: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
  /** The status of the response, also while its headers cannot be seen. */
  readonly responseCode: number | undefined;
  readonly responseCodeDetails: string | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Nanoseconds since 1970. */
  readonly startTime: bigint;
  readonly connectionId: bigint;
}

/** The attributes of a stream by their first name. What the test gives lies over what the stream tells. */
export function attribute(name: string, facts: StreamFacts, given: PropertyMap): Property | undefined {
  return over(name, streamAttribute(name, facts), given);
}

/** The attributes of a connection without HTTP by their first name. */
export function connectionAttribute(name: string, connectionId: bigint, given: PropertyMap): Property | undefined {
  return name === "connection_id" ? connectionId : over(name, ownConnectionAttribute(name, connectionId), given);
}

/** The attributes of the client's address, `address:port`. */
export function sourceProperties(source: string | undefined): PropertyMap {
  if (source === undefined) return {};
  const port = Number(/:(\d{1,5})$/.exec(source)?.[1] ?? Number.NaN);
  if (!(port <= 65_535)) throw new RangeError(`source: expected an address and a port, found "${source}"`);
  return { "source.address": source, "source.port": port };
}

function over(name: string, own: Attributes | undefined, given: PropertyMap): Property | undefined {
  const top = Object.hasOwn(given, name) ? given[name] : undefined;
  if (top === undefined) return own === undefined ? undefined : withoutUndefined(own);
  if (own === undefined || !isPlain(top)) return top;
  return { ...withoutUndefined(own), ...top };
}

type Attributes = Record<string, Property | undefined>;

function streamAttribute(name: string, facts: StreamFacts): Attributes | undefined {
  switch (name) {
    case "request":
      return requestAttributes(facts);
    case "response":
      return responseAttributes(facts);
    default:
      return ownConnectionAttribute(name, facts.connectionId);
  }
}

function ownConnectionAttribute(name: string, id: bigint): Attributes | undefined {
  switch (name) {
    case "source":
      return { address: "127.0.0.1:50000", port: 50_000 };
    case "destination":
      return { address: "127.0.0.1:10000", port: 10_000 };
    case "connection":
      return { id, mtls: false };
    default:
      return undefined;
  }
}

function requestAttributes({ requestHeaders: headers, requestBytes, startTime }: StreamFacts): Attributes {
  const path = headers?.get(":path");
  const [urlPath, ...query] = path?.split("?") ?? [];
  const length = Number(headers?.get("content-length") ?? Number.NaN);
  return {
    headers,
    path,
    url_path: urlPath,
    query: path === undefined ? undefined : query.join("?"),
    host: headers?.get(":authority"),
    scheme: headers?.get(":scheme"),
    method: headers?.get(":method"),
    referer: headers?.get("referer"),
    useragent: headers?.get("user-agent"),
    id: headers?.get("x-request-id"),
    protocol: "HTTP/1.1",
    time: startTime,
    size: Number.isSafeInteger(length) ? length : requestBytes,
    total_size: requestBytes + (headers?.byteSize ?? 0),
  };
}

function responseAttributes(facts: StreamFacts): Attributes {
  const { responseHeaders: headers, responseTrailers: trailers } = facts;
  const grpcStatus = Number(trailers?.get("grpc-status") ?? headers?.get("grpc-status") ?? Number.NaN);
  return {
    headers,
    trailers,
    code: facts.responseCode,
    code_details: facts.responseCodeDetails,
    flags: 0,
    grpc_status: Number.isSafeInteger(grpcStatus) ? grpcStatus : undefined,
    size: facts.responseBytes,
    total_size: facts.responseBytes + (headers?.byteSize ?? 0) + (trailers?.byteSize ?? 0),
  };
}

function withoutUndefined(attributes: Attributes): PropertyMap {
  const result: Record<string, Property> = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) result[name] = value;
  return result;
}

/** Whether a given property has parts of its own, as an object has. */
function isPlain(value: Property): value is PropertyMap {
  return typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}
