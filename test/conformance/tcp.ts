import { out, step, type Callback, type Step } from "../../host/testdata/probe.ts";
import * as p from "./modules.ts";
import { BUFFER, module, says } from "./modules.ts";
import { ends, resets, sends, type TcpCase, type TcpStep } from "./tcp-case.ts";

const DOWNSTREAM = 2;
const UPSTREAM = 3;

const watch = (buffer: number): Step[] => [p.bufferStatus(buffer), p.content(buffer)];
const splice = (buffer: number, start: number, length: number, data: string): Step =>
  step("proxy_set_buffer_bytes", buffer, start, length, data);

const life = {
  proxy_on_new_connection: says("new connection"),
  proxy_on_downstream_data: says("downstream data", watch(BUFFER.downstream)),
  proxy_on_upstream_data: says("upstream data", watch(BUFFER.upstream)),
  proxy_on_downstream_connection_close: says("downstream close", [], { wat: `(call $tell (local.get 1))` }),
  proxy_on_upstream_connection_close: says("upstream close", [], { wat: `(call $tell (local.get 1))` }),
  proxy_on_delete: says("delete"),
};

/** Tells a number in the log as a report. */
const TELL = `(func $tell (param i32)
  (i32.store (i32.const 12) (local.get 0))
  (memory.fill (i32.const 16) (i32.const 0xee) (i32.const 24))
  (call $report (i32.const 0) (i32.const 0)))`;

const DIALOGUE: readonly TcpStep[] = [
  sends("client", "ab"),
  sends("client", "cd"),
  sends("upstream", "12"),
  sends("upstream", "34"),
];

function tcpCase(
  name: string,
  callbacks: Readonly<Record<string, Callback>>,
  steps: readonly TcpStep[] = [...DIALOGUE, ends("client"), ends("upstream")],
): TcpCase {
  return { name: `TCP: ${name}`, module: module({ ...life, ...callbacks }, { extra: TELL }), steps };
}

/** Stops as long as fewer than `size` bytes are there. */
const untilSize = (size: number): string =>
  `(if (i32.lt_u (local.get 1) (i32.const ${size})) (then (return (i32.const 1))))`;

/** Connections through a filter. */
export const TCP_CASES: readonly TcpCase[] = [
  tcpCase("the client ends first", {}),
  tcpCase("the upstream ends first", {}, [...DIALOGUE, ends("upstream"), ends("client")]),
  tcpCase("only the client ends and nothing was sent", {}, [ends("client"), ends("upstream")]),
  tcpCase("the client breaks off", {}, [...DIALOGUE, resets("client")]),
  tcpCase("the upstream breaks off", {}, [...DIALOGUE, resets("upstream")]),
  tcpCase("downstream data is held until there is enough", {
    proxy_on_downstream_data: says("downstream data", watch(BUFFER.downstream), { wat: untilSize(4) }),
  }),
  tcpCase("upstream data is held until there is enough", {
    proxy_on_upstream_data: says("upstream data", watch(BUFFER.upstream), { wat: untilSize(4) }),
  }),
  tcpCase(
    "downstream data is held for ever",
    { proxy_on_downstream_data: says("downstream data", watch(BUFFER.downstream), { returns: 1 }) },
    [sends("client", "ab"), sends("client", "cd"), ends("client"), ends("upstream")],
  ),
  tcpCase(
    "upstream data is held for ever",
    { proxy_on_upstream_data: says("upstream data", watch(BUFFER.upstream), { returns: 1 }) },
    [sends("client", "ab"), sends("upstream", "12"), sends("upstream", "34"), ends("upstream"), ends("client")],
  ),
  tcpCase("a new connection is stopped", { proxy_on_new_connection: says("new connection", [], { returns: 1 }) }),
  tcpCase("a new connection is stopped and continued at once", {
    proxy_on_new_connection: says("new connection", [step("proxy_continue_stream", DOWNSTREAM)], { returns: 1 }),
  }),
  tcpCase("downstream data is stopped and continued at once", {
    proxy_on_downstream_data: says(
      "downstream data",
      [...watch(BUFFER.downstream), step("proxy_continue_stream", DOWNSTREAM)],
      { returns: 1 },
    ),
  }),
  tcpCase("upstream data is stopped and continued at once", {
    proxy_on_upstream_data: says("upstream data", [...watch(BUFFER.upstream), step("proxy_continue_stream", UPSTREAM)]),
  }),
  tcpCase("data is changed on its way", {
    proxy_on_downstream_data: says("downstream data", [
      splice(BUFFER.downstream, 0, 0, "<"),
      splice(BUFFER.downstream, 100, 0, ">"),
      splice(BUFFER.downstream, 1, 1, "?"),
      splice(BUFFER.upstream, 0, 0, "?"),
      ...watch(BUFFER.downstream),
      ...watch(BUFFER.upstream),
    ]),
    proxy_on_upstream_data: says("upstream data", [splice(BUFFER.upstream, 0, 2, "x"), ...watch(BUFFER.upstream)]),
  }),
  tcpCase(
    "the filter closes downstream on new connection",
    { proxy_on_new_connection: says("new connection", [step("proxy_close_stream", DOWNSTREAM), p.say("CB after")]) },
    [],
  ),
  tcpCase(
    "the filter closes downstream on data",
    { proxy_on_downstream_data: says("downstream data", [step("proxy_close_stream", DOWNSTREAM)]) },
    [sends("client", "ab")],
  ),
  tcpCase(
    "the filter closes upstream on data from there",
    { proxy_on_upstream_data: says("upstream data", [step("proxy_close_stream", UPSTREAM)]) },
    [sends("client", "ab"), sends("upstream", "12")],
  ),
  tcpCase(
    "what is there at each stage",
    {
      proxy_on_new_connection: says("new connection", [
        ...watch(BUFFER.downstream),
        p.property("source\0address\0x"),
        step("proxy_get_property", "source\0port", out(0), out(1)),
        step("proxy_set_property", "k", "v"),
        p.property("k"),
        p.property("plugin_name"),
        step("proxy_get_property", "connection\0id", out(0), out(1)),
        step("proxy_get_property", "request\0path", out(0), out(1)),
        step("proxy_continue_stream", 0),
        step("proxy_send_local_response", 403, "", "", "", -1),
        p.value(0, ":path"),
      ]),
      proxy_on_downstream_data: says("downstream data", [...watch(BUFFER.upstream), ...watch(BUFFER.downstream)]),
      proxy_on_upstream_data: says("upstream data", [...watch(BUFFER.downstream), ...watch(BUFFER.upstream)]),
      proxy_on_log: says("log", [...watch(BUFFER.downstream), p.property("k")]),
      proxy_on_done: says("done", [p.property("k")]),
    },
    DIALOGUE.concat(ends("client"), ends("upstream")),
  ),
  tcpCase(
    "a trap in new connection",
    { proxy_on_new_connection: says("new connection", [], { wat: "unreachable" }) },
    [],
  ),
  tcpCase(
    "a trap in downstream data",
    { proxy_on_downstream_data: says("downstream data", [], { wat: "unreachable" }) },
    [sends("client", "ab")],
  ),
];
