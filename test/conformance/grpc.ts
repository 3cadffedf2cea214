import { encodeFields } from "@meshwright/host";
import { dataStep, out, step, type Step } from "../../host/testdata/probe.ts";
import type { Case } from "./case.ts";
import * as p from "./modules.ts";
import { BUFFER, MAP, module, says } from "./modules.ts";
import type { GrpcPath } from "./grpc-server.ts";

const status = (): Step => dataStep("proxy_get_status", out(2), out(0), out(1));
const CALL_TOKEN = 5;
const STREAM_TOKEN = 6;

/** Says what a gRPC callback is told of, and what is there meanwhile. */
const watches = (name: string): Step[] => [
  p.value(MAP.grpcInitialMetadata, "x-a"),
  p.value(MAP.grpcTrailers, "x-t"),
  p.add(MAP.grpcTrailers, "x-added", "1"),
  p.bufferStatus(BUFFER.grpc),
  p.content(BUFFER.grpc),
  status(),
  p.say(`CB end of ${name}`),
];

const callbacks = {
  proxy_on_grpc_receive_initial_metadata: says("initial metadata", watches("initial metadata")),
  proxy_on_grpc_receive: says("message", watches("message")),
  proxy_on_grpc_receive_trailing_metadata: says("trailing metadata", watches("trailing metadata")),
  proxy_on_grpc_close: says("close", watches("close")),
};

const parts = (path: GrpcPath | "/s/absent"): [string, string] => {
  const [, service = "", method = ""] = path.split("/");
  return [service, method];
};
const call = (path: GrpcPath | "/s/absent", target: string | Uint8Array = "grpc", timeoutMs = 10_000): Step =>
  step("proxy_grpc_call", target, ...parts(path), p.encoded({ "x-m": "1" }), "ping", timeoutMs, out(0));
const stream = (path: GrpcPath | "/s/absent", target: string | Uint8Array = "grpc"): Step =>
  step("proxy_grpc_stream", target, ...parts(path), p.encoded({ "x-m": "1" }), out(0));
const send = (message: string, end: 0 | 1): Step => step("proxy_grpc_send", STREAM_TOKEN, message, end);

function grpcCase(name: string, steps: readonly Step[], more: Partial<Case> = {}, other: object = {}): Case {
  return {
    name: `gRPC: ${name}`,
    module: module({
      ...callbacks,
      proxy_on_request_headers: says("request headers", steps, { returns: 1 }),
      ...other,
    }),
    request: p.get(),
    leaveAt: /CB end of close/,
    ...more,
  };
}

/** A serialized GrpcService: {1: envoy_grpc {1: cluster_name}}. */
const grpcService = (cluster: string): Uint8Array => encodeFields({ 1: encodeFields({ 1: cluster }) });

/** gRPC calls of a filter against a server. */
export const GRPC_CASES: readonly Case[] = [
  grpcCase("a unary call", [call("/s/ok")], { leaveAt: /CB end of message/ }),
  grpcCase("a unary call with an empty answer", [call("/s/empty")], { leaveAt: /CB end of message/ }),
  grpcCase("a unary call by a GrpcService", [call("/s/ok", grpcService("grpc"))], { leaveAt: /CB end of message/ }),
  grpcCase("a refused unary call", [call("/s/refuse")]),
  grpcCase("a unary call refused after a message", [call("/s/refuse-late")]),
  grpcCase("a unary call with several answers", [call("/s/several")], { leaveAt: /CB end of message/ }),
  grpcCase("a unary call of an unknown method", [call("/s/absent")]),
  grpcCase("a unary call that takes too long", [call("/s/silent", "silent", 50)]),
  grpcCase("a unary call to an unknown cluster", [call("/s/ok", "nowhere"), p.say("CB end of close")]),
  grpcCase("a unary call by a GrpcService of an unknown cluster", [
    call("/s/ok", grpcService("nowhere")),
    p.say("CB end of close"),
  ]),
  grpcCase("a unary call to something else than gRPC", [call("/s/ok", "up")]),
  grpcCase("a unary call that is cancelled", [
    call("/s/silent"),
    step("proxy_grpc_send", CALL_TOKEN, "x", 0),
    step("proxy_grpc_cancel", CALL_TOKEN),
    step("proxy_grpc_cancel", CALL_TOKEN),
    p.say("CB end of close"),
  ]),
  grpcCase("a unary call that is closed", [
    call("/s/silent"),
    step("proxy_grpc_close", CALL_TOKEN),
    step("proxy_grpc_close", CALL_TOKEN),
    p.say("CB end of close"),
  ]),
  grpcCase("a stream with several answers", [stream("/s/several"), send("ping", 1)]),
  grpcCase("a stream that ends with its messages", [stream("/s/echo"), send("a", 0), send("b", 1), send("c", 0)]),
  grpcCase("a stream that is closed", [
    stream("/s/echo"),
    send("a", 0),
    step("proxy_grpc_close", STREAM_TOKEN),
    step("proxy_grpc_close", STREAM_TOKEN),
  ]),
  grpcCase("a refused stream", [stream("/s/refuse")]),
  grpcCase("a stream refused after a message", [stream("/s/refuse-late")]),
  grpcCase("a stream of an unknown method", [stream("/s/absent")]),
  grpcCase("a stream to an unknown cluster", [stream("/s/ok", "nowhere"), p.say("CB end of close")]),
  grpcCase("a stream by a GrpcService of an unknown cluster", [
    stream("/s/ok", grpcService("nowhere")),
    p.say("CB end of close"),
  ]),
  grpcCase("a stream to something else than gRPC", [stream("/s/ok", "up"), send("x", 1)]),
  grpcCase("a stream that is cancelled", [
    stream("/s/silent"),
    send("a", 0),
    step("proxy_grpc_cancel", STREAM_TOKEN),
    step("proxy_grpc_cancel", STREAM_TOKEN),
    send("b", 0),
    p.say("CB end of close"),
  ]),
  grpcCase(
    "what may be called on a stream that has ended",
    [stream("/s/several")],
    { leaveAt: /CB last/ },
    {
      proxy_on_grpc_close: says("close", [
        send("late", 0),
        step("proxy_grpc_close", STREAM_TOKEN),
        step("proxy_grpc_close", STREAM_TOKEN),
        step("proxy_grpc_cancel", STREAM_TOKEN),
        send("later", 0),
        p.say("CB last"),
      ]),
    },
  ),
  grpcCase("two calls have two tokens", [
    call("/s/silent"),
    call("/s/silent"),
    stream("/s/silent"),
    stream("/s/silent"),
    p.say("CB end of close"),
  ]),
];
