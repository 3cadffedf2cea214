/** Which export of the ABI each overridable method needs, by the base class that declares it. */
export const callbacks: Readonly<Record<"RootContext" | "HttpContext", Readonly<Record<string, string>>>> = {
  RootContext: {
    onVmStart: "proxy_on_vm_start",
    onTick: "proxy_on_tick",
    onQueueReady: "proxy_on_queue_ready",
    onForeignFunction: "proxy_on_foreign_function",
    onDone: "proxy_on_done",
  },
  HttpContext: {
    onRequestHeaders: "proxy_on_request_headers",
    onRequestBody: "proxy_on_request_body",
    onRequestTrailers: "proxy_on_request_trailers",
    onResponseHeaders: "proxy_on_response_headers",
    onResponseBody: "proxy_on_response_body",
    onResponseTrailers: "proxy_on_response_trailers",
    onLog: "proxy_on_log",
    onDone: "proxy_on_done",
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
