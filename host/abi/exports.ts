import type { Signature, ValueType } from "./signature.ts";

/**
 * Every function that Envoy calls in a module, with its exact type. All are optional except one allocator (`malloc`, else
 * `proxy_on_memory_allocate`); an export that has one of these names and another type makes Envoy refuse the module.
 */

type Callback<P extends readonly ValueType[], R extends readonly ValueType[]> = {
  readonly params: P;
  readonly results: R;
};

function calls<const P extends readonly ValueType[]>(...params: P): Callback<P, readonly []> {
  return { params, results: [] };
}

function asks<const P extends readonly ValueType[]>(...params: P): Callback<P, readonly ["i32"]> {
  return { params, results: ["i32"] };
}

/** Called once for a virtual machine, before any callback. `_start` is called only if `_initialize` is not there. */
export const START_EXPORTS = {
  _initialize: calls(),
  main: asks("i32", "i32"),
  __main_void: asks(),
  _start: calls(),
} as const satisfies Record<string, Signature>;

/** The allocators, in the order in which the host looks for one. */
export const ALLOCATOR_EXPORTS = {
  malloc: asks("i32"),
  proxy_on_memory_allocate: asks("i32"),
} as const satisfies Record<string, Signature>;

export const CALLBACK_EXPORTS = {
  /** Envoy looks it up and never calls it. */
  proxy_validate_configuration: asks("i32", "i32"),
  proxy_on_context_create: calls("i32", "i32"),
  proxy_on_vm_start: asks("i32", "i32"),
  proxy_on_configure: asks("i32", "i32"),
  proxy_on_tick: calls("i32"),

  proxy_on_new_connection: asks("i32"),
  proxy_on_downstream_data: asks("i32", "i32", "i32"),
  proxy_on_upstream_data: asks("i32", "i32", "i32"),
  proxy_on_downstream_connection_close: calls("i32", "i32"),
  proxy_on_upstream_connection_close: calls("i32", "i32"),

  proxy_on_request_headers: asks("i32", "i32", "i32"),
  proxy_on_request_body: asks("i32", "i32", "i32"),
  proxy_on_request_trailers: asks("i32", "i32"),
  proxy_on_request_metadata: asks("i32", "i32"),
  proxy_on_response_headers: asks("i32", "i32", "i32"),
  proxy_on_response_body: asks("i32", "i32", "i32"),
  proxy_on_response_trailers: asks("i32", "i32"),
  proxy_on_response_metadata: asks("i32", "i32"),

  proxy_on_http_call_response: calls("i32", "i32", "i32", "i32", "i32"),
  proxy_on_grpc_receive_initial_metadata: calls("i32", "i32", "i32"),
  proxy_on_grpc_receive_trailing_metadata: calls("i32", "i32", "i32"),
  proxy_on_grpc_receive: calls("i32", "i32", "i32"),
  proxy_on_grpc_close: calls("i32", "i32", "i32"),
  proxy_on_queue_ready: calls("i32", "i32"),
  proxy_on_foreign_function: calls("i32", "i32", "i32"),

  proxy_on_done: asks("i32"),
  proxy_on_log: calls("i32"),
  proxy_on_delete: calls("i32"),

  envoy_on_resolve_dns: calls("i32", "i32", "i32"),
  envoy_on_stats_update: calls("i32", "i32"),
} as const satisfies Record<string, Signature>;

export const EXPORTS = { ...START_EXPORTS, ...ALLOCATOR_EXPORTS, ...CALLBACK_EXPORTS } as const;

export type ExportName = keyof typeof EXPORTS;
export type CallbackName = keyof typeof CALLBACK_EXPORTS;

/** The exact type that an export of this name must have, or undefined when the host calls no such export. */
export function exportSignature(name: string): Signature | undefined {
  return Object.hasOwn(EXPORTS, name) ? EXPORTS[name as ExportName] : undefined;
}
