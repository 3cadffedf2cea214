// Runs the AssemblyScript unit tests: `npx asp`, or `npx asp path/to/one.spec.ts`.

const asked = process.argv.slice(2).some((argument) => argument.endsWith(".spec.ts"));

/** What pure code needs of a host: a log, a clock that stands still, and an answer to whatever else it is linked with. */
function hostImports(memoryOf) {
  const OK = 0;
  const NOT_FOUND = 1;
  const CRITICAL = 5;
  const text = (pointer, size) => Buffer.from(memoryOf().buffer, pointer, size).toString("utf8");
  const view = () => new DataView(memoryOf().buffer);
  const host = {
    // Only what comes before a trap: tests of errors log a lot.
    proxy_log: (level, pointer, size) => {
      if (level === CRITICAL) process.stdout.write(`${text(pointer, size)}\n`);
      return OK;
    },
    proxy_get_log_level: (level) => {
      view().setUint32(level, 2, true);
      return OK;
    },
    proxy_get_current_time_nanoseconds: (time) => {
      view().setBigUint64(time, 1_700_000_000_000_000_000n, true);
      return OK;
    },
  };
  const absent = [
    ["proxy_set_tick_period_milliseconds", "proxy_get_property", "proxy_set_property", "proxy_get_header_map_pairs"],
    ["proxy_set_header_map_pairs", "proxy_get_header_map_value", "proxy_get_header_map_size"],
    ["proxy_add_header_map_value", "proxy_replace_header_map_value", "proxy_remove_header_map_value"],
    ["proxy_get_buffer_bytes", "proxy_get_buffer_status", "proxy_set_buffer_bytes", "proxy_continue_stream"],
    ["proxy_close_stream", "proxy_send_local_response", "proxy_define_metric", "proxy_increment_metric"],
    ["proxy_record_metric", "proxy_get_metric", "proxy_get_shared_data", "proxy_set_shared_data"],
    ["proxy_set_effective_context", "proxy_done", "proxy_call_foreign_function", "proxy_get_status"],
    ["proxy_http_call", "proxy_grpc_call", "proxy_grpc_stream", "proxy_grpc_send", "proxy_grpc_close"],
    ["proxy_grpc_cancel", "proxy_register_shared_queue", "proxy_resolve_shared_queue"],
    ["proxy_enqueue_shared_queue", "proxy_dequeue_shared_queue"],
  ];
  for (const name of absent.flat()) host[name] = () => NOT_FOUND;
  return host;
}

export default {
  entries: asked ? [] : ["assembly/**/__tests__/*.spec.ts", "filters/**/__tests__/*.spec.ts"],
  include: ["assembly/**/__tests__/*.include.ts"],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    let exported = memory;
    const module = await instantiate(binary, createImports({ env: { memory, ...hostImports(() => exported) } }));
    exported = module.exports.memory;
    return module;
  },
  outputBinary: false,
};
