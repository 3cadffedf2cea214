import { MapType } from "./abi/enums.ts";
import { attribute } from "./attributes.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";
import { mergeProperties, type Property, type PropertyMap } from "./properties.ts";

/** A stream that an access logger is told of. What is left out was not there. */
export interface AccessLogEntry {
  readonly request?: HeadersInit;
  readonly response?: HeadersInit;
  readonly responseTrailers?: HeadersInit;
  readonly properties?: PropertyMap;
}

/** The same, as a module may look at it. */
export class LoggedStream {
  readonly #request: HeaderMap | undefined;
  readonly #response: HeaderMap | undefined;
  readonly #trailers: HeaderMap | undefined;
  readonly #properties: PropertyMap;
  readonly #startTime: bigint;

  constructor({ request, response, responseTrailers, properties = {} }: AccessLogEntry, startTime: bigint) {
    this.#request = request && new HeaderMap("request", request);
    this.#response = response && new HeaderMap("response", response);
    this.#trailers = responseTrailers && new HeaderMap("trailers", responseTrailers);
    this.#properties = mergeProperties(properties);
    this.#startTime = startTime;
  }

  map(type: MapType): HeaderMap | undefined {
    switch (type) {
      case MapType.RequestHeaders:
        return this.#request;
      case MapType.ResponseHeaders:
        return this.#response;
      case MapType.ResponseTrailers:
        return this.#trailers;
      default:
        return undefined;
    }
  }

  attribute(name: string): Property | undefined {
    const code = this.#response?.get(":status");
    const facts = {
      requestHeaders: this.#request,
      responseHeaders: this.#response,
      responseTrailers: this.#trailers,
      responseCode: code === undefined ? undefined : Number(code),
      responseCodeDetails: code === undefined ? undefined : "via_upstream",
      requestBytes: 0,
      responseBytes: 0,
      startTime: this.#startTime,
      connectionId: 0n,
    };
    return attribute(name, facts, this.#properties);
  }
}
