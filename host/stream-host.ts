import type { Status } from "./abi/enums.ts";
import type { Body } from "./body.ts";
import type { LocalReply } from "./context.ts";
import type { HeaderMap } from "./header-map.ts";
import type { HttpContext } from "./http-context.ts";
import type { Property } from "./properties.ts";

/** What the context of an HTTP stream needs of the stream. */
export interface StreamHost {
  continueRequest(): void;
  continueResponse(): void;
  responseBegun(): boolean;
  reset(reason: string): void;
  sendLocalReply(reply: LocalReply): void;
  /** The local response with which Envoy answers when the module is dead. */
  fail(): void;
  clearRouteCache(): void;
  setEnvoyFilterState(path: string, value: Uint8Array): Status;
  setFilterState(name: string, value: Uint8Array, readOnly: boolean): Status;
  filterState(name: string): Uint8Array | undefined;
  attribute(name: string, context: HttpContext): Property | undefined;
  /** Adds data to what is held back of a body. */
  hold(direction: "request" | "response", chunk: Body): void;
  held(direction: "request" | "response"): Body | undefined;
  addTrailers(direction: "request" | "response"): HeaderMap;
}

/** The headers that exist while the stream is logged. */
export interface LogHeaders {
  readonly request: HeaderMap | undefined;
  readonly response: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
}

/** How a plugin treats its streams. */
export interface StreamPolicy {
  /** Whether traffic passes when the module is dead. */
  readonly failOpen: boolean;
  /** Whether `StopIteration` on headers lets the body go to the filter. */
  readonly allowOnHeadersStopIteration: boolean;
}
