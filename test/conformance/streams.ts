import { out, step } from "../../host/testdata/probe.ts";
import type { Case } from "./case.ts";
import * as p from "./modules.ts";
import { BUFFER, MAP, module, says } from "./modules.ts";

const teapot = step("proxy_send_local_response", 418, "a b", "tea", p.encoded({ "x-a": "1" }), -1);
const responses = {
  proxy_on_response_headers: says("response headers", [p.pairs(MAP.response)]),
  proxy_on_response_body: says("response body", [p.content(BUFFER.response)]),
};
const response = { proxy_on_response_headers: says("response headers") };

const localResponses: readonly Case[] = [
  {
    name: "a local response passes the response callbacks",
    module: module({ ...responses, proxy_on_request_headers: says("request headers", [teapot]) }),
    request: p.get(),
  },
  {
    name: "a local response from response headers",
    module: module({ ...responses, proxy_on_response_headers: says("response headers", [teapot]) }),
    request: p.get(),
  },
  {
    name: "a local response from a response body",
    module: module({ ...response, proxy_on_response_body: says("response body", [teapot]) }),
    request: p.get(),
  },
  {
    name: "a local response to a gRPC request",
    module: module({
      ...responses,
      proxy_on_request_headers: says("request headers", [
        step(
          "proxy_send_local_response",
          403,
          "a b",
          "no\u00e9%",
          p.encoded({ "x-a": "1", "content-length": "77" }),
          7,
        ),
      ]),
    }),
    request: p.get([["content-type", "application/grpc"]]),
  },
];

const pauses: readonly Case[] = [
  {
    name: "continue inside of request headers, then Continue",
    module: module({
      ...response,
      proxy_on_request_headers: says("request headers", [
        step("proxy_continue_stream", 0),
        step("proxy_get_header_map_size", MAP.request, out(0)),
      ]),
    }),
    request: p.get(),
  },
  {
    name: "continue inside of request headers, then Pause",
    module: module({
      ...response,
      proxy_on_request_headers: says("request headers", [step("proxy_continue_stream", 0)], { returns: 1 }),
      proxy_on_request_body: says("request body", [p.content(BUFFER.request)]),
    }),
    request: p.post("abc"),
    leaveAt: /CB request headers\n.*probe /,
  },
  {
    name: "Pause in request headers where that stops the headers only",
    module: module({
      ...response,
      proxy_on_request_headers: says("request headers", [], { returns: 1 }),
      proxy_on_request_body: says("request body", [
        p.bufferStatus(BUFFER.request),
        p.value(MAP.request, ":path"),
        p.content(BUFFER.request),
      ]),
    }),
    request: p.post("abc"),
    allowOnHeadersStopIteration: true,
  },
  {
    name: "a body buffered until its end",
    module: module({
      ...response,
      proxy_on_request_body: says("request body", [p.bufferStatus(BUFFER.request), p.content(BUFFER.request)], {
        wat: p.untilEnd(1),
      }),
    }),
    request: p.post("x".repeat(10)),
  },
  {
    name: "a body held by StopIterationAndWatermark",
    module: module({
      ...response,
      proxy_on_request_body: says("request body", [p.bufferStatus(BUFFER.request)], { wat: p.untilEnd(2) }),
    }),
    request: p.post("abcdef"),
  },
  {
    name: "a body dropped by StopIterationNoBuffer",
    module: module({
      ...response,
      proxy_on_request_body: says("request body", [p.bufferStatus(BUFFER.request)], { wat: p.untilEnd(3) }),
    }),
    request: p.post("abc"),
  },
  {
    name: "ContinueAndEndStream, and an unknown action",
    module: module({
      ...response,
      proxy_on_request_headers: says("request headers", [], { returns: 2 }),
      proxy_on_request_body: says(
        "request body",
        [p.bufferStatus(BUFFER.request), p.value(MAP.request, ":path"), p.say("CB request body done")],
        { returns: 9 },
      ),
    }),
    request: p.post("abc"),
    leaveAt: /CB request body done[^]*CB request body done/,
  },
  {
    name: "a callout's answer continues the request",
    module: module(
      {
        ...response,
        proxy_on_request_headers: says(
          "request headers",
          [
            step(
              "proxy_http_call",
              "up",
              p.encoded({ ":path": "/", ":method": "GET", ":authority": "a" }),
              "",
              "",
              1000,
              out(0),
            ),
          ],
          { wat: "(global.set $stream (local.get 0))", returns: 1 },
        ),
        proxy_on_request_body: says("request body", [
          p.bufferStatus(BUFFER.request),
          p.content(BUFFER.request),
          p.value(MAP.request, ":path"),
        ]),
        proxy_on_http_call_response: says(
          "callout answered",
          [
            p.value(MAP.callResponse, ":status"),
            p.content(BUFFER.callResponse),
            step("proxy_get_header_map_size", MAP.callResponse, out(0)),
            p.add(MAP.callResponse, "a", "b"),
            p.value(MAP.request, ":path"),
            p.pairs(MAP.callTrailers),
            p.value(MAP.callTrailers, "a"),
          ],
          {
            wat: `(drop (call $proxy_set_effective_context (global.get $stream)))
              (drop (call $proxy_continue_stream (i32.const 0)))`,
          },
        ),
        // Never called: it imports what the WAT above calls.
        proxy_on_tick: { steps: [step("proxy_set_effective_context", 1), step("proxy_continue_stream", 0)] },
      },
      { extra: "(global $stream (mut i32) (i32.const 0))" },
    ),
    request: p.post("abc"),
  },
];

const limits: readonly Case[] = [
  {
    name: "a request body beyond the limit",
    module: module({
      ...responses,
      proxy_on_request_body: says("request body", [p.bufferStatus(BUFFER.request)], { returns: 1 }),
    }),
    request: p.post("x".repeat(3000)),
    bufferLimit: 1024,
  },
  {
    name: "a request body beyond the limit while everything is stopped",
    module: module({
      ...responses,
      proxy_on_request_headers: says("request headers", [], { returns: 3 }),
      proxy_on_request_body: says("request body", [p.bufferStatus(BUFFER.request)], { returns: 1 }),
    }),
    request: p.post("x".repeat(3000)),
    bufferLimit: 1024,
  },
  {
    name: "a response body beyond the limit",
    module: module({
      proxy_on_response_headers: says("response headers", [p.bufferStatus(BUFFER.response)], { returns: 3 }),
      proxy_on_response_body: says("response body", [p.bufferStatus(BUFFER.response)], { returns: 1 }),
    }),
    request: p.get(),
    answer: "y".repeat(5000),
    bufferLimit: 1024,
  },
];

const traps: readonly Case[] = [
  {
    name: "a trap in request headers",
    module: module({ ...response, proxy_on_request_headers: says("request headers", [], { wat: "unreachable" }) }),
    request: p.get(),
  },
  {
    name: "a trap in the allocator",
    module: module(
      {
        ...response,
        proxy_on_request_headers: says("request headers", [
          p.value(MAP.request, ":path"),
          p.value(MAP.request, "absent"),
          p.say("CB after"),
        ]),
      },
      { allocator: "unreachable" },
    ),
    request: p.get(),
  },
  {
    name: "an allocator without memory",
    module: module(
      {
        ...response,
        proxy_on_request_headers: says("request headers", [
          step("proxy_get_header_map_value", MAP.request, ":path", out(0), out(1)),
          p.say("CB after"),
        ]),
      },
      { allocator: "(i32.const 0)" },
    ),
    request: p.get(),
  },
  {
    name: "a call that is not there at start",
    module: {
      callbacks: {
        _initialize: says("start", [step("proxy_get_current_time_nanoseconds", out(0)), p.say("CB not here")]),
      },
    },
    request: p.get(),
    startsNot: true,
  },
];

/** What becomes of a stream: local responses, pauses, limits and traps. */
export const STREAM_CASES: readonly Case[] = [...localResponses, ...pauses, ...limits, ...traps];
