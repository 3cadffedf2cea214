import type { Signature, ValueType } from "./signature.ts";

/**
 * Every function that Envoy offers to a module of ABI 0.2.1, with its exact type. A module that imports anything else, or
 * one of these with another type, does not link.
 */

type Params<T extends readonly ValueType[]> = { readonly params: T; readonly results: readonly ["i32"] };

function status<const T extends readonly ValueType[]>(...params: T): Params<T> {
  return { params, results: ["i32"] };
}

function nothing<const T extends readonly ValueType[]>(
  ...params: T
): { readonly params: T; readonly results: readonly [] } {
  return { params, results: [] };
}

/** Module `env`: the Proxy-Wasm functions, and the few that C and C++ toolchains and Envoy add. */
export const ENV_IMPORTS = {
  proxy_log: status("i32", "i32", "i32"),
  /** Not there under ABI 0.2.0. */
  proxy_get_log_level: status("i32"),
  proxy_get_status: status("i32", "i32", "i32"),

  proxy_set_property: status("i32", "i32", "i32", "i32"),
  proxy_get_property: status("i32", "i32", "i32", "i32"),

  proxy_set_buffer_bytes: status("i32", "i32", "i32", "i32", "i32"),
  proxy_get_buffer_bytes: status("i32", "i32", "i32", "i32", "i32"),
  proxy_get_buffer_status: status("i32", "i32", "i32"),

  proxy_get_header_map_pairs: status("i32", "i32", "i32"),
  proxy_set_header_map_pairs: status("i32", "i32", "i32"),
  proxy_get_header_map_value: status("i32", "i32", "i32", "i32", "i32"),
  proxy_add_header_map_value: status("i32", "i32", "i32", "i32", "i32"),
  proxy_replace_header_map_value: status("i32", "i32", "i32", "i32", "i32"),
  proxy_remove_header_map_value: status("i32", "i32", "i32"),
  proxy_get_header_map_size: status("i32", "i32"),

  proxy_continue_stream: status("i32"),
  proxy_close_stream: status("i32"),
  proxy_send_local_response: status("i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"),

  proxy_http_call: status("i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"),
  proxy_grpc_call: status("i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"),
  proxy_grpc_stream: status("i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"),
  proxy_grpc_send: status("i32", "i32", "i32", "i32"),
  proxy_grpc_close: status("i32"),
  proxy_grpc_cancel: status("i32"),

  proxy_set_tick_period_milliseconds: status("i32"),
  proxy_get_current_time_nanoseconds: status("i32"),

  proxy_define_metric: status("i32", "i32", "i32", "i32"),
  proxy_increment_metric: status("i32", "i64"),
  proxy_record_metric: status("i32", "i64"),
  proxy_get_metric: status("i32", "i32"),

  proxy_get_shared_data: status("i32", "i32", "i32", "i32", "i32"),
  proxy_set_shared_data: status("i32", "i32", "i32", "i32", "i32"),
  proxy_register_shared_queue: status("i32", "i32", "i32"),
  proxy_resolve_shared_queue: status("i32", "i32", "i32", "i32", "i32"),
  proxy_enqueue_shared_queue: status("i32", "i32", "i32"),
  proxy_dequeue_shared_queue: status("i32", "i32", "i32"),

  proxy_set_effective_context: status("i32"),
  proxy_done: status(),
  proxy_call_foreign_function: status("i32", "i32", "i32", "i32", "i32", "i32"),

  /** Envoy's own addition to the ABI. */
  envoy_resolve_dns: status("i32", "i32", "i32"),

  pthread_equal: status("i32", "i32"),
  emscripten_notify_memory_growth: nothing("i32"),
} as const satisfies Record<string, Signature>;

/** Modules `wasi_snapshot_preview1` and `wasi_unstable`: the same set under both names. */
export const WASI_IMPORTS = {
  fd_write: status("i32", "i32", "i32", "i32"),
  fd_read: status("i32", "i32", "i32", "i32"),
  fd_seek: status("i32", "i64", "i32", "i32"),
  fd_close: status("i32"),
  fd_fdstat_get: status("i32", "i32"),
  fd_fdstat_set_flags: status("i32", "i32"),
  fd_fdstat_set_rights: status("i32", "i64", "i64"),
  fd_advise: status("i32", "i64", "i64", "i32"),
  fd_allocate: status("i32", "i64", "i64"),
  fd_datasync: status("i32"),
  fd_sync: status("i32"),
  fd_tell: status("i32", "i32"),
  fd_filestat_get: status("i32", "i32"),
  fd_filestat_set_size: status("i32", "i64"),
  fd_filestat_set_times: status("i32", "i64", "i64", "i32"),
  fd_pread: status("i32", "i32", "i32", "i64", "i32"),
  fd_pwrite: status("i32", "i32", "i32", "i64", "i32"),
  fd_readdir: status("i32", "i32", "i32", "i64", "i32"),
  fd_renumber: status("i32", "i32"),
  fd_prestat_get: status("i32", "i32"),
  fd_prestat_dir_name: status("i32", "i32", "i32"),

  path_open: status("i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "i32"),
  path_filestat_get: status("i32", "i32", "i32", "i32", "i32"),
  path_filestat_set_times: status("i32", "i32", "i32", "i32", "i64", "i64", "i32"),
  path_create_directory: status("i32", "i32", "i32"),
  path_remove_directory: status("i32", "i32", "i32"),
  path_unlink_file: status("i32", "i32", "i32"),
  path_link: status("i32", "i32", "i32", "i32", "i32", "i32"),
  path_readlink: status("i32", "i32", "i32", "i32", "i32", "i32"),
  path_rename: status("i32", "i32", "i32", "i32", "i32", "i32"),
  path_symlink: status("i32", "i32", "i32", "i32"),

  sock_accept: status("i32", "i32", "i32"),
  sock_recv: status("i32", "i32", "i32", "i32", "i32", "i32"),
  sock_send: status("i32", "i32", "i32", "i32", "i32"),
  sock_shutdown: status("i32", "i32"),

  environ_get: status("i32", "i32"),
  environ_sizes_get: status("i32", "i32"),
  args_get: status("i32", "i32"),
  args_sizes_get: status("i32", "i32"),
  clock_time_get: status("i32", "i64", "i32"),
  clock_res_get: status("i32", "i32"),
  random_get: status("i32", "i32"),
  sched_yield: status(),
  poll_oneoff: status("i32", "i32", "i32", "i32"),
  proc_exit: nothing("i32"),
} as const satisfies Record<string, Signature>;

/** The WASI functions that came with Envoy 1.38: a module that imports one of them does not link in 1.37. */
export const NOT_IN_ENVOY_1_37: ReadonlySet<string> = new Set<keyof typeof WASI_IMPORTS>([
  "clock_res_get",
  "fd_advise",
  "fd_allocate",
  "fd_datasync",
  "fd_fdstat_set_rights",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pread",
  "fd_pwrite",
  "fd_readdir",
  "fd_renumber",
  "fd_sync",
  "fd_tell",
  "path_create_directory",
  "path_filestat_get",
  "path_filestat_set_times",
  "path_link",
  "path_readlink",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
  "sock_accept",
  "sock_recv",
  "sock_send",
  "sock_shutdown",
]);

export type EnvImport = keyof typeof ENV_IMPORTS;
export type WasiImport = keyof typeof WASI_IMPORTS;

export const WASI_MODULES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** The exact type that a module must import `module.name` with under `abiVersion`, or undefined if there is none. */
export function importSignature(module: string, name: string, abiVersion: AbiVersion): Signature | undefined {
  if (module === "env") {
    if (name === "proxy_get_log_level" && abiVersion === "0.2.0") return undefined;
    return Object.hasOwn(ENV_IMPORTS, name) ? ENV_IMPORTS[name as EnvImport] : undefined;
  }
  if ((WASI_MODULES as readonly string[]).includes(module)) {
    return Object.hasOwn(WASI_IMPORTS, name) ? WASI_IMPORTS[name as WasiImport] : undefined;
  }
  return undefined;
}

/** The ABI versions that this host runs. Envoy also runs 0.1.0. */
export const ABI_VERSIONS = ["0.2.1", "0.2.0"] as const;
export type AbiVersion = (typeof ABI_VERSIONS)[number];

/** The JavaScript types of the parameters of a signature: `i64` is a bigint, the rest are numbers. */
export type Arguments<T extends readonly ValueType[]> = {
  -readonly [K in keyof T]: T[K] extends "i64" ? bigint : number;
};

/**
 * What a module may call while `_initialize`, `main` or `_start` runs. Envoy traps on everything else, so a top-level
 * statement can log and read the environment, the clock and random bytes, and nothing more.
 */
export const ALLOWED_AT_START: ReadonlySet<EnvImport | WasiImport> = new Set<EnvImport | WasiImport>([
  "emscripten_notify_memory_growth",
  "proxy_log",
  "fd_write",
  "args_sizes_get",
  "args_get",
  "environ_sizes_get",
  "environ_get",
  "clock_time_get",
  "clock_res_get",
  "random_get",
  "poll_oneoff",
  "fd_fdstat_get",
  "fd_fdstat_set_flags",
  "fd_fdstat_set_rights",
  "fd_advise",
  "fd_allocate",
  "fd_datasync",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pread",
  "fd_prestat_dir_name",
  "fd_prestat_get",
  "fd_pwrite",
  "fd_readdir",
  "fd_renumber",
  "fd_sync",
  "fd_tell",
  "path_create_directory",
  "path_filestat_get",
  "path_filestat_set_times",
  "path_link",
  "path_readlink",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
  "sock_accept",
  "sock_recv",
  "sock_send",
  "sock_shutdown",
]);

/** What a module may call from inside its allocator when the host asks it for memory. */
export const ALLOWED_IN_ALLOCATOR: ReadonlySet<EnvImport | WasiImport> = new Set<EnvImport | WasiImport>([
  "proxy_log",
  "fd_write",
  "clock_time_get",
  "poll_oneoff",
]);
