import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { Status } from "../abi/enums.ts";
import { encodeFields } from "../foreign/protobuf.ts";
import { encodePairs } from "../pairs.ts";
import { dataStep, out, step, UNWRITTEN, type Step } from "../testdata/probe.ts";
import { get, GET, reported, start } from "../testdata/run.ts";

/** A call in `proxy_on_request_headers` of a GET, its status, and what it wrote: words, or the bytes that it gave. */
type Row = [call: Step, status: number, written?: readonly number[] | string];

const { Ok, NotFound, BadArgument, InvalidMemoryAccess, CasMismatch, Empty, InternalFailure, Unimplemented } = Status;
const BEYOND = 0x7fff_0000;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const callHeaders = encodePairs(
  Object.entries({ ":method": "GET", ":path": "/", ":authority": "a" }).map(([k, v]) => [utf8(k), utf8(v)] as const),
);

// Each row was held against Envoy 1.39 and 1.40.
const tables: Record<string, readonly Row[]> = {
  log: [
    [step("proxy_log", 5, "critical"), Ok],
    [step("proxy_log", 6, "off is no level to write at"), BadArgument],
    [step("proxy_log", 2, BEYOND, 1), InvalidMemoryAccess],
    [step("proxy_log", 2, 0xffff_ffff, 0xffff_ffff), InvalidMemoryAccess],
    [step("proxy_log", 2, 8 * 65536, 0), Ok],
    [step("proxy_log", 2, 8 * 65536 + 1, 0), InvalidMemoryAccess],
    [step("proxy_get_log_level", out(0)), Ok, [2]],
    [step("proxy_get_log_level", BEYOND), InvalidMemoryAccess],
  ],
  "header maps": [
    [dataStep("proxy_get_header_map_value", 0, "X-Name", out(0), out(1)), Ok, "first"],
    [step("proxy_get_header_map_value", 0, "x-empty", out(0), out(1)), Ok, [0, 0]],
    [step("proxy_get_header_map_value", 0, "absent", out(0), out(1)), NotFound, []],
    [step("proxy_get_header_map_value", 1, "a", out(0), out(1)), BadArgument],
    [step("proxy_get_header_map_value", 8, "a", out(0), out(1)), BadArgument],
    [step("proxy_get_header_map_value", 0, BEYOND, 1, out(0), out(1)), InvalidMemoryAccess],
    [step("proxy_get_header_map_value", 0, "x-name", BEYOND, out(1)), InvalidMemoryAccess],
    [step("proxy_get_header_map_pairs", 1, out(0), out(1)), Ok, [0, 0]],
    [step("proxy_get_header_map_pairs", 8, out(0), out(1)), BadArgument],
    [step("proxy_get_header_map_size", 1, out(0)), BadArgument],
    [step("proxy_get_header_map_size", 6, out(0)), BadArgument],
    [step("proxy_add_header_map_value", 2, "a", "b"), BadArgument],
    [step("proxy_add_header_map_value", 6, "a", "b"), BadArgument],
    [step("proxy_remove_header_map_value", 0, "absent"), Ok],
    [step("proxy_remove_header_map_value", 2, "a"), BadArgument],
    [step("proxy_replace_header_map_value", 0, "x-name", "third"), Ok],
    [dataStep("proxy_get_header_map_value", 0, "x-name", out(0), out(1)), Ok, "third"],
    [step("proxy_set_header_map_pairs", 6, ""), BadArgument],
    [step("proxy_set_header_map_pairs", 0, encodePairs([[utf8("A"), utf8("b")]])), Ok],
    [step("proxy_get_header_map_size", 0, out(0)), Ok, [2]],
    [step("proxy_set_header_map_pairs", 0, Uint8Array.of(9, 9)), Ok],
    [step("proxy_get_header_map_pairs", 0, out(0), out(1)), Ok, [0, 0]],
  ],
  buffers: [
    [step("proxy_get_buffer_bytes", 0, 0, 10, out(0), out(1)), Ok, [0, 0]],
    [step("proxy_get_buffer_bytes", 9, 0, 10, out(0), out(1)), BadArgument],
    [step("proxy_get_buffer_bytes", 4, 0, 10, out(0), out(1)), NotFound],
    [step("proxy_get_buffer_bytes", 7, 0, 10, out(0), out(1)), NotFound],
    [dataStep("proxy_get_buffer_bytes", 6, 3, 0xffff_ffff, out(0), out(1)), Ok, "configuration"],
    [step("proxy_get_buffer_bytes", 6, 100, 1, out(0), out(1)), Ok, [0, 0]],
    [step("proxy_get_buffer_status", 6, out(0), out(1)), Ok, [16, 0]],
    [step("proxy_get_buffer_status", 7, out(0), out(1)), NotFound],
    [step("proxy_get_buffer_status", 9, out(0), out(1)), BadArgument],
    [step("proxy_set_buffer_bytes", 0, 0, 0, "x"), BadArgument],
    [step("proxy_set_buffer_bytes", 6, 0, 0, "x"), BadArgument],
    [step("proxy_set_buffer_bytes", 7, 0, 0, "x"), NotFound],
    [step("proxy_set_buffer_bytes", 9, 0, 0, "x"), BadArgument],
  ],
  properties: [
    [dataStep("proxy_get_property", "plugin_name", out(0), out(1)), Ok, "p"],
    [dataStep("proxy_get_property", "plugin_root_id\0", out(0), out(1)), Ok, "r"],
    [dataStep("proxy_get_property", "plugin_vm_id", out(0), out(1)), Ok, "vm"],
    [dataStep("proxy_get_property", "request\0path", out(0), out(1)), Ok, "/a?b=c"],
    [dataStep("proxy_get_property", "request\0url_path", out(0), out(1)), Ok, "/a"],
    [dataStep("proxy_get_property", "request\0query", out(0), out(1)), Ok, "b=c"],
    [dataStep("proxy_get_property", "request\0headers\0X-Name", out(0), out(1)), Ok, "first,second"],
    [dataStep("proxy_get_property", "source\0address", out(0), out(1)), Ok, "127.0.0.1:50000"],
    [dataStep("proxy_get_property", "xds\0cluster_name", out(0), out(1)), Ok, "backend"],
    [step("proxy_get_property", "connection\0mtls", out(0), out(1)), Ok],
    [step("proxy_get_property", "request\0referer", out(0), out(1)), NotFound],
    [step("proxy_get_property", "request\0path\0deeper", out(0), out(1)), NotFound],
    [step("proxy_get_property", "response\0code", out(0), out(1)), NotFound],
    [step("proxy_get_property", "nothing", out(0), out(1)), NotFound],
    [step("proxy_get_property", "", out(0), out(1)), Status.SerializationFailure],
    [step("proxy_get_property", BEYOND, 1, out(0), out(1)), InvalidMemoryAccess],
    [step("proxy_set_property", "mine", "value"), Ok],
    [dataStep("proxy_get_property", "mine", out(0), out(1)), Ok, "value"],
    [step("proxy_set_property", "request", "value"), Ok],
    [step("proxy_set_property", BEYOND, 1, "value"), InvalidMemoryAccess],
  ],
  streams: [
    [step("proxy_continue_stream", 3), Unimplemented],
    [step("proxy_continue_stream", 2), Ok],
    [step("proxy_continue_stream", 4), BadArgument],
    [step("proxy_close_stream", 4), BadArgument],
    [step("proxy_close_stream", 3), Ok],
    [step("proxy_set_effective_context", 999), BadArgument],
    [step("proxy_set_effective_context", 1), Ok],
    [step("proxy_done"), NotFound],
    [step("proxy_send_local_response", 200, BEYOND, 1, "", "", -1), InvalidMemoryAccess],
  ],
  metrics: [
    [step("proxy_define_metric", 3, "m", out(0)), BadArgument],
    [step("proxy_define_metric", 0, "counter", out(0)), Ok, [4]],
    [step("proxy_define_metric", 0, "counter", out(0)), Ok, [8]],
    [step("proxy_define_metric", 1, "gauge", out(0)), Ok, [5]],
    [step("proxy_define_metric", 2, "histogram", out(0)), Ok, [6]],
    [step("proxy_define_metric", 0, BEYOND, 1, out(0)), InvalidMemoryAccess],
    [step("proxy_increment_metric", 4, 0n), BadArgument],
    [step("proxy_increment_metric", 4, -1n), BadArgument],
    [step("proxy_increment_metric", 4, 5n), Ok],
    [step("proxy_increment_metric", 5, 5n), Ok],
    [step("proxy_increment_metric", 5, -3n), Ok],
    [step("proxy_increment_metric", 6, 1n), BadArgument],
    [step("proxy_increment_metric", 400, 1n), NotFound],
    [step("proxy_increment_metric", 7, 1n), BadArgument],
    [step("proxy_record_metric", 8, 10n), Ok],
    [step("proxy_record_metric", 6, 7n), Ok],
    [step("proxy_record_metric", 7, 1n), NotFound],
    [step("proxy_get_metric", 4, out(0)), Ok, [15, 0]],
    [step("proxy_get_metric", 5, out(0)), Ok, [2, 0]],
    [step("proxy_record_metric", 5, 9n), Ok],
    [step("proxy_get_metric", 5, out(0)), Ok, [9, 0]],
    [step("proxy_get_metric", 6, out(0)), BadArgument],
    [step("proxy_get_metric", 401, out(0)), NotFound],
    [step("proxy_get_metric", 4, BEYOND), InvalidMemoryAccess],
  ],
  "shared data": [
    [step("proxy_get_shared_data", "k", out(0), out(1), out(2)), NotFound],
    [step("proxy_set_shared_data", "k", "v", 77), Ok],
    [dataStep("proxy_get_shared_data", "k", out(0), out(1), out(2)), Ok, "v"],
    [step("proxy_set_shared_data", "k", "w", 77), CasMismatch],
    [step("proxy_set_shared_data", "k", "w", 1), Ok],
    [step("proxy_set_shared_data", "k", "w", 1), CasMismatch],
    [step("proxy_set_shared_data", "k", "", 0), Ok],
    [step("proxy_get_shared_data", "k", out(0), out(1), out(2)), Ok, [0, 0, 3]],
    [step("proxy_get_shared_data", BEYOND, 1, out(0), out(1), out(2)), InvalidMemoryAccess],
    [step("proxy_set_shared_data", "k", BEYOND, 1, 0), InvalidMemoryAccess],
  ],
  "shared queues": [
    [step("proxy_dequeue_shared_queue", 5, out(0), out(1)), NotFound],
    [step("proxy_enqueue_shared_queue", 5, "x"), NotFound],
    [step("proxy_resolve_shared_queue", "", "q", out(0)), NotFound],
    [step("proxy_register_shared_queue", "q", out(0)), Ok, [1]],
    [step("proxy_register_shared_queue", "q", out(0)), Ok, [1]],
    [step("proxy_resolve_shared_queue", "vm", "q", out(0)), Ok, [1]],
    [step("proxy_resolve_shared_queue", "another", "q", out(0)), NotFound],
    [step("proxy_dequeue_shared_queue", 1, out(0), out(1)), Empty],
    [step("proxy_enqueue_shared_queue", 1, "x"), Ok],
    [dataStep("proxy_dequeue_shared_queue", 1, out(0), out(1)), Ok, "x"],
  ],
  callouts: [
    [step("proxy_http_call", "nowhere", callHeaders, "", "", 100, out(0)), BadArgument, [0]],
    [step("proxy_http_call", "up", "", "", "", 100, out(0)), BadArgument, [0]],
    [step("proxy_http_call", "up", callHeaders, "", "", -1, out(0)), BadArgument, [0]],
    [step("proxy_http_call", "up", callHeaders, "", "", 100, out(0)), Ok, [4]],
    [step("proxy_http_call", "up", callHeaders, "", "", 100, out(0)), Ok, [8]],
    [step("proxy_http_call", "up", callHeaders, "", "", 100, BEYOND), InvalidMemoryAccess],
    [step("proxy_get_status", out(0), out(1), out(2)), Ok, [0, 0, 0]],
    [step("proxy_grpc_call", "up", "s", "m", "", "", 100, out(0)), InternalFailure],
    [step("proxy_grpc_call", BEYOND, 1, "s", "m", "", "", 100, out(0)), InvalidMemoryAccess],
    [step("proxy_grpc_stream", "up", "s", "m", "", out(0)), InternalFailure],
    [step("proxy_grpc_send", 5, "x", 0), BadArgument],
    [step("proxy_grpc_send", 6, "x", 0), NotFound],
    [step("proxy_grpc_close", 4), BadArgument],
    [step("proxy_grpc_close", 5), NotFound],
    [step("proxy_grpc_cancel", 6), NotFound],
    [step("envoy_resolve_dns", "a", out(0)), InternalFailure],
  ],
  "foreign functions": [
    [step("proxy_call_foreign_function", "nope", "", out(0), out(1)), NotFound, []],
    [step("proxy_call_foreign_function", BEYOND, 1, "", out(0), out(1)), InvalidMemoryAccess],
    [step("proxy_call_foreign_function", "clear_route_cache", "", out(0), out(1)), Ok, [0, 0]],
    [
      step("proxy_call_foreign_function", "set_envoy_filter_state", encodeFields({ 1: "envoy.string", 2: "x" }), 0, 0),
      Ok,
      [],
    ],
    [
      step("proxy_call_foreign_function", "set_envoy_filter_state", encodeFields({ 1: "mine", 2: "x" }), 0, 0),
      NotFound,
    ],
    [step("proxy_call_foreign_function", "set_envoy_filter_state", Uint8Array.of(0xff), 0, 0), BadArgument],
    [step("proxy_call_foreign_function", "declare_property", encodeFields({ 1: "d" }), 0, 0), Ok],
    [step("proxy_call_foreign_function", "declare_property", encodeFields({ 1: "d" }), 0, 0), BadArgument],
    [dataStep("proxy_call_foreign_function", "uncompress", deflateSync("text"), out(0), out(1)), Ok, "text"],
    [
      step("proxy_call_foreign_function", "uncompress", "not zlib", out(0), out(1)),
      Status.SerializationFailure,
      [0, 0],
    ],
    [step("proxy_call_foreign_function", "verify_signature", "", out(0), out(1)), BadArgument, [0, 0]],
    [step("proxy_call_foreign_function", "compress", "abc", BEYOND, out(1)), InvalidMemoryAccess],
  ],
  WASI: [
    [step("wasi:fd_write", 3, 0, 0, out(0)), 8],
    [step("wasi:fd_write", 1, BEYOND, 1, out(0)), 21],
    [step("wasi:fd_write", 1, 0, 0, out(0)), 0, [0]],
    [step("wasi:fd_read", 1, 0, 0, 0), 52],
    [step("wasi:fd_seek", 1, 0n, 0, 0), 0],
    [step("wasi:fd_close", 1), 0],
    [step("wasi:fd_fdstat_get", 3, 0), 8],
    [step("wasi:fd_fdstat_get", 1, out(0)), 0, [0, 0, 64, 0, 0, 0]],
    [step("wasi:fd_prestat_get", 3, 0), 8],
    [step("wasi:fd_readdir", 1, 0, 0, 0n, out(0)), 20, [0]],
    [step("wasi:path_open", 0, 0, 0, 0, 0, 0n, 0n, 0, 0), 44],
    [step("wasi:sock_send", 0, 0, 0, 0, out(0)), 58, [0]],
    [step("wasi:clock_time_get", 2, 0n, out(0)), 58],
    [step("wasi:clock_time_get", 1, 0n, out(0)), 0, [0, 0]],
    [step("wasi:random_get", 0, 65537), 28],
    [step("wasi:environ_sizes_get", out(0), out(1)), 0, [1, 6]],
    [step("wasi:environ_get", out(0), out(2)), 0, [24, UNWRITTEN, 0x474e_414c, 0xeeee_003d]],
    [step("wasi:args_sizes_get", out(0), out(1)), 0, [0, 0]],
    [step("wasi:poll_oneoff", 0, 0, 0, out(0)), 0, [0]],
    [step("wasi:sched_yield"), 0],
    [step("pthread_equal", 7, 7), 1],
  ],
};

for (const [name, rows] of Object.entries(tables)) {
  test(name, async () => {
    const { host, plugin } = await start(
      { callbacks: { proxy_on_request_headers: { steps: rows.map(([call]) => call) } } },
      {
        vmId: "vm",
        vmConfiguration: "vm configuration",
        clusters: ["up"],
        environment: { LANG: "" },
        properties: { "xds.cluster_name": "backend" },
      },
    );
    const headers = [...Object.entries(GET), ["x-name", "first"], ["x-name", "second"], ["x-empty", ""]] as [
      string,
      string,
    ][];
    get(plugin, headers);
    const reports = reported(host);
    assert.equal(plugin.trap, undefined);
    assert.equal(reports.length, rows.length);
    for (const [i, [call, status, written]] of rows.entries()) {
      const report = reports[i];
      const where = `row ${i}: ${call.call}(${call.args.map((argument) => JSON.stringify(argument, replaceBigint)).join(", ")})`;
      assert.equal(report?.status, status, where);
      if (typeof written === "string") assert.equal(report.data, written, where);
      else if (written !== undefined) {
        const expected = report.words.map((_, at) => written[at] ?? UNWRITTEN);
        assert.deepEqual(report.words, expected, where);
      }
    }
  });
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

test("what is written to a file descriptor is logged without its last line break", async () => {
  const write = (fd: number): string =>
    `(drop (call $fd_write (i32.const ${fd}) (i32.const 16) (i32.const 1) (i32.const 24)))`;
  const wat = `(i32.store (i32.const 16) (i32.const 512)) (i32.store (i32.const 20) (i32.const 3))
    (i32.store (i32.const 512) (i32.const 0x0a6968)) ${write(1)} ${write(2)}`;
  const steps = [{ ...step("wasi:fd_write", 3, 0, 0, 0), quiet: true }];
  const { host, plugin } = await start({ callbacks: { proxy_on_request_headers: { steps, wat } } });
  get(plugin);
  assert.deepEqual(
    host.log.lines.map(({ level, message }) => [level, message]),
    [
      ["info", "hi"],
      ["error", "hi"],
    ],
  );
});
