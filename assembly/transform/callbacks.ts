/** The classes of the SDK that declare callbacks. */
export type Base =
  "RootContext" | "HttpContext" | "TcpContext" | "HttpCallReply" | "GrpcReply" | "GrpcStream" | "Timer";

/** Which export of the ABI each overridable method needs, by the base class that declares it. */
export const callbacks: Readonly<Record<Base, Readonly<Record<string, string>>>> = {
  RootContext: {
    onVmStart: "proxy_on_vm_start",
    onTick: "proxy_on_tick",
    onQueueReady: "proxy_on_queue_ready",
    onForeignFunction: "proxy_on_foreign_function",
    onLog: "proxy_on_log",
    onDone: "proxy_on_done",
  },
  HttpContext: {
    onRequestHeaders: "proxy_on_request_headers",
    onRequestBody: "proxy_on_request_body",
    onRequestTrailers: "proxy_on_request_trailers",
    onRequestMetadata: "proxy_on_request_metadata",
    onResponseHeaders: "proxy_on_response_headers",
    onResponseBody: "proxy_on_response_body",
    onResponseTrailers: "proxy_on_response_trailers",
    onResponseMetadata: "proxy_on_response_metadata",
    onLog: "proxy_on_log",
    onDone: "proxy_on_done",
  },
  TcpContext: {
    onNewConnection: "proxy_on_new_connection",
    onDownstreamData: "proxy_on_downstream_data",
    onUpstreamData: "proxy_on_upstream_data",
    onDownstreamClose: "proxy_on_downstream_connection_close",
    onUpstreamClose: "proxy_on_upstream_connection_close",
    onLog: "proxy_on_log",
    onDone: "proxy_on_done",
  },
  HttpCallReply: {
    onResponse: "proxy_on_http_call_response",
    onFailure: "proxy_on_http_call_response",
  },
  GrpcReply: {
    onMessage: "proxy_on_grpc_receive",
    onFailure: "proxy_on_grpc_close",
  },
  GrpcStream: {
    onInitialMetadata: "proxy_on_grpc_receive_initial_metadata",
    onMessage: "proxy_on_grpc_receive",
    onTrailingMetadata: "proxy_on_grpc_receive_trailing_metadata",
    onClose: "proxy_on_grpc_close",
  },
  Timer: {
    onTime: "proxy_on_tick",
  },
};

/** What every module exports: the ABI's marker, the allocator, and the life of contexts. */
export const always: readonly string[] = [
  "proxy_abi_version_0_2_1",
  "proxy_on_memory_allocate",
  "proxy_on_context_create",
  "proxy_on_configure",
  "proxy_on_delete",
];

/** What a module exports for having a class of a base, whatever that overrides. */
const ofBase: Readonly<Partial<Record<Base, readonly string[]>>> = {
  // The first callback of a connection makes its context.
  TcpContext: ["proxy_on_new_connection"],
  // Bookkeeping needs the end of a call.
  HttpCallReply: ["proxy_on_http_call_response"],
  GrpcReply: ["proxy_on_grpc_receive", "proxy_on_grpc_close"],
  GrpcStream: ["proxy_on_grpc_close"],
  Timer: ["proxy_on_tick"],
};

/** The files of the SDK's `runtime` folder that have exports for one base only. */
const files: Readonly<Record<string, RegExp>> = {
  tcp: /_new_connection$|_(down|up)stream_/,
  "http-calls": /_http_call_/,
  "grpc-calls": /_grpc_/,
};

/** The source that exports what classes of these bases and these callbacks need. */
export function exportsSource(runtime: string, bases: ReadonlySet<Base>, overridden: ReadonlySet<string>): string {
  const byFile = new Map<string, string[]>();
  for (const name of new Set([...always, ...[...bases].flatMap((base) => ofBase[base] ?? []), ...overridden])) {
    const file =
      Object.entries(files).find(([, pattern]) => pattern.test(name))?.[0] ??
      // Timers share the tick with `onTick`.
      (name === "proxy_on_tick" && bases.has("Timer") ? "timers" : "exports");
    byFile.set(file, [...(byFile.get(file) ?? []), name]);
  }
  const lines = [...byFile].map(
    ([file, names]) => `export { ${names.sort().join(", ")} } from "${runtime}/${file}";\n`,
  );
  return [`import "${runtime}/abort";\n`, ...lines.sort()].join("");
}
