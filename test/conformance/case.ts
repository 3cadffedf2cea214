import type { ProbeOptions } from "../../host/testdata/probe.ts";

/** One module and one request, which the host and Envoy are both given. */
export interface Case {
  readonly name: string;
  readonly module: ProbeOptions;
  readonly request: Request;
  /** What the upstream answers with; `hello` by default. */
  readonly answer?: string;
  /** Envoy's `per_connection_buffer_limit_bytes`. */
  readonly bufferLimit?: number;
  /** Envoy's `allow_on_headers_stop_iteration`. */
  readonly allowOnHeadersStopIteration?: boolean;
  /** The filter never lets the request go: the client leaves when the log has this. */
  readonly leaveAt?: RegExp;
  /** The module does not start, so there is no request. */
  readonly startsNot?: boolean;
  /** What each line of the transcript is called; by default by its number. */
  readonly lineNames?: readonly string[];
  /** The module is an access logger and no filter. */
  readonly accessLogger?: boolean;
  /** Compare the log only: what the case does to its stream is of no interest. */
  readonly logOnly?: boolean;
}

export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Undefined for a request that ends with its headers. */
  readonly body?: string;
}

/** What both run a module as. */
export const PLUGIN = { name: "p", rootId: "r", configuration: "plugin configuration" } as const;
export const VM = { vmId: "vm", vmConfiguration: "vm configuration", environment: { LANG: "" } } as const;
export const CLUSTER = "up";
/** A gRPC server that answers as `GRPC_ANSWERS` says. */
export const GRPC_CLUSTER = "grpc";
/** Takes connections and never answers. */
export const SILENT_CLUSTER = "silent";
