import { dataStep, out, step, type Step } from "../../host/testdata/probe.ts";
import type { Case } from "./case.ts";
import * as p from "./modules.ts";
import { BUFFER, MAP, module, says } from "./modules.ts";

/** Names that Envoy keeps one entry for, or might. */
const RESPONSE_NAMES = `access-control-allow-origin access-control-allow-credentials access-control-allow-headers
  access-control-allow-methods access-control-expose-headers access-control-max-age
  access-control-allow-private-network x-envoy-upstream-canary x-envoy-immediate-health-check-fail
  x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time :status content-encoding transfer-encoding
  www-authenticate set-cookie retry-after x-ratelimit-limit strict-transport-security content-disposition
  content-language content-range accept-ranges trailer p3p refresh vary`.split(/\s+/);

const addTwice = (name: string): Step[] => [
  { ...step("proxy_remove_header_map_value", MAP.response, name), quiet: true },
  { ...p.add(MAP.response, name, "1"), quiet: true },
  { ...p.add(MAP.response, name, "2"), quiet: true },
  p.value(MAP.response, name),
  { ...step("proxy_remove_header_map_value", MAP.response, name), quiet: true },
];

/** What can be read and written of headers, trailers and bodies, and when. */
export const MAP_CASES: readonly Case[] = [
  {
    name: "request headers that come twice",
    module: module({
      proxy_on_request_headers: says("request headers", [
        p.value(MAP.request, "host"),
        p.add(MAP.request, "Host", "2"),
        p.value(MAP.request, ":authority"),
        p.value(MAP.request, "cookie"),
        p.value(MAP.request, "x-m"),
        p.property("request\0headers\0x-m"),
        p.property("request\0headers\0cookie"),
        p.property("request\0headers\0X-M"),
        p.value(MAP.request, "authorization"),
        p.add(MAP.request, "accept", ""),
        p.add(MAP.request, "accept", "b"),
        p.value(MAP.request, "accept"),
        p.add(MAP.request, "accept", ""),
        p.value(MAP.request, "accept"),
        p.value(MAP.request, "x-empty"),
        step("proxy_get_header_map_value", 9, "absent", out(0), out(1)),
        step("proxy_set_header_map_pairs", MAP.response, ""),
      ]),
    }),
    request: p.get([
      ["cookie", "a=1"],
      ["cookie", "b=2"],
      ["x-m", "1"],
      ["x-m", "2"],
      ["authorization", "A"],
      ["authorization", "B"],
      ["x-empty", ""],
    ]),
  },
  {
    name: "response headers that come twice",
    module: module({
      proxy_on_response_headers: says("response headers", [
        ...RESPONSE_NAMES.flatMap(addTwice),
        step("proxy_replace_header_map_value", MAP.response, ":status", "200"),
      ]),
    }),
    request: p.get(),
  },
  {
    name: "response trailers that the filter adds",
    module: module({
      proxy_on_response_body: says("response body", [
        ...["t", "te", "te", "grpc-status", "grpc-status", "grpc-message", "grpc-message"].map((name, i) =>
          p.add(MAP.responseTrailers, name, String(i)),
        ),
        step("proxy_get_header_map_size", MAP.responseTrailers, out(0)),
        p.pairs(MAP.responseTrailers),
        p.add(MAP.requestTrailers, "t", "1"),
      ]),
      proxy_on_response_trailers: says("response trailers"),
    }),
    request: p.get(),
  },
  {
    name: "what is there at each stage",
    module: module({
      proxy_on_request_headers: says("request headers", [
        step("wasi:proc_exit", 3),
        step("proxy_set_property", "k", "v"),
        p.property("k"),
        p.property("plugin_root_id"),
        p.property("request\0nope"),
        p.property("request\0headers\0x-a"),
      ]),
      proxy_on_response_headers: says("response headers", [
        p.property("request\0path"),
        p.property("response\0code"),
        p.property("response\0code_details"),
        p.value(MAP.request, ":path"),
        ...[0, 1, 2, 3, 4, 5, 6, 7].map((buffer) => dataStep("proxy_get_buffer_bytes", buffer, 0, 10, out(0), out(1))),
        p.splice(0, 10, "x"),
      ]),
      proxy_on_response_body: says("response body"),
      proxy_on_log: says("log", [
        p.value(MAP.request, ":path"),
        p.value(MAP.responseTrailers, "absent"),
        p.property("request\0path"),
        p.property("response\0code"),
        p.property("response\0size"),
        p.property("request\0size"),
      ]),
      proxy_on_delete: says("delete"),
    }),
    request: p.get([["x-a", "1"]]),
  },
  {
    name: "splices of a request body",
    module: module({
      proxy_on_request_body: says("request body", [
        p.splice(0, 0, "<"),
        p.content(BUFFER.request),
        p.splice(100, 0, ">"),
        p.content(BUFFER.request),
        p.splice(1, 1, "?"),
        p.splice(0, 2, "?"),
        p.splice(5, 0, "!"),
        p.content(BUFFER.request),
        p.splice(0, 6, "all"),
        p.content(BUFFER.request),
        p.splice(0, 3, ""),
        p.bufferStatus(BUFFER.request),
        p.splice(0, 1, "z"),
        p.content(BUFFER.request),
        dataStep("proxy_get_buffer_bytes", BUFFER.request, 5, 5, out(0), out(1)),
        p.value(MAP.request, ":path"),
        p.property("request\0path"),
      ]),
    }),
    request: p.post("abc"),
  },
  {
    name: "an access logger",
    module: {
      callbacks: {
        proxy_on_log: says("log", [
          p.value(MAP.request, ":path"),
          p.value(MAP.request, "x-a"),
          p.value(MAP.request, "absent"),
          p.value(MAP.response, ":status"),
          p.value(MAP.responseTrailers, "absent"),
          p.value(MAP.requestTrailers, "absent"),
          p.add(MAP.request, "x-b", "1"),
          p.property("request\0path"),
          p.property("request\0headers\0x-a"),
          p.property("response\0code"),
          p.property("response\0code_details"),
          p.property("plugin_name"),
          step("proxy_set_property", "k", "v"),
          p.content(BUFFER.request),
        ]),
      },
    },
    request: p.get([["x-a", "1"]]),
    accessLogger: true,
    logOnly: true,
  },
];
