import { deflateSync } from "node:zlib";
import { encodeFields } from "@meshwright/host";
import { NOT_IN_ENVOY_1_37 } from "../../host/abi/imports.ts";
import { dataStep, out, step, type Step } from "../../host/testdata/probe.ts";
import { STATUS_REQUEST, STATUS_TABLES } from "../../host/testdata/status-tables.ts";
import type { Case, Request } from "./case.ts";

/** The request of the tables: what a connection manager makes of the rest is `STATUS_REQUEST`. */
const REQUEST: Request = {
  method: "GET",
  path: STATUS_REQUEST.find(([name]) => name === ":path")?.[1] ?? "",
  headers: STATUS_REQUEST.filter(([name]) => !name.startsWith(":")),
};

const foreign = (name: string, argument: string | Uint8Array): Step =>
  dataStep("proxy_call_foreign_function", name, argument, out(0), out(1));
const property = (path: string): Step => dataStep("proxy_get_property", path, out(0), out(1));
const signature = (fields: Record<number, string>): Step => foreign("verify_signature", encodeFields(fields));

/** Calls that no table has, because the host's own tests ask for what matters of them in other ways. */
const MORE: readonly Step[] = [
  step("proxy_define_metric", 0, "same name", out(0)),
  step("proxy_define_metric", 1, "same name", out(0)),
  step("proxy_define_metric", 2, "histogram of more", out(0)),
  step("proxy_increment_metric", 5, -3n),
  step("proxy_get_metric", 5, out(0)),
  step("proxy_get_metric", 7, out(0)),
  step("proxy_get_metric", 4, -1),
  step("proxy_set_shared_data", "of more", "v", 7_777_777),
  step("proxy_set_shared_data", "of more", "w", 7_777_777),
  foreign("set_envoy_filter_state", encodeFields({ 1: "envoy.tcp_proxy.cluster", 2: "x" })),
  foreign("declare_property", encodeFields({ 1: "read only", 2: true })),
  foreign("declare_property", encodeFields({ 1: "read only", 2: true })),
  step("proxy_set_property", "read only", "1"),
  step("proxy_set_property", "read only", "2"),
  property("read only"),
  foreign("verify_signature", Uint8Array.of(0xff)),
  signature({ 1: "sha256", 2: "garbage", 3: "x", 4: "y" }),
  signature({ 1: "sha256", 5: "garbage", 3: "x", 4: "y" }),
  signature({ 1: "sha256", 2: "a", 5: "b" }),
  signature({ 1: "md5", 2: "garbage", 3: "x", 4: "y" }),
  foreign("sign", encodeFields({ 1: "sha256", 2: "garbage", 3: "x" })),
  foreign("sign", encodeFields({ 1: "md5", 2: "garbage", 3: "x" })),
  step("proxy_call_foreign_function", "compress", "abc", 0, 0),
  step("proxy_call_foreign_function", "compress", "", out(0), out(1)),
  foreign("uncompress", deflateSync("a".repeat(10_000)).subarray(0, -1)),
  foreign("uncompress", Uint8Array.of(0x78, 0x9c, 3, 0, 0, 0, 0, 1)),
  step("proxy_get_property", "node", out(0), out(1)),
  property("request\0url_path\0"),
  property("request\0protocol"),
  property("request\0method"),
  property("request\0host"),
  property("request\0scheme"),
  step("proxy_get_property", "request\0duration", out(0), out(1)),
  step("proxy_get_property", "response\0flags", out(0), out(1)),
  step("proxy_get_property", "connection_id", out(0), out(1)),
  step("proxy_get_buffer_status", 0, out(0), out(1)),
  dataStep("proxy_get_buffer_bytes", 8, 0, 4, out(0), out(1)),
  step("proxy_get_buffer_bytes", 6, -1, -1, out(0), out(1)),
  dataStep("proxy_get_buffer_bytes", 8, 0, 4, out(0), out(1)),
  step("proxy_get_header_map_size", 2, out(0)),
  step("wasi:fd_write", 1, -8, 1, out(0)),
];

const token = (value: number): Uint8Array => Uint8Array.of(value, 0, 0, 0);
const expression = (text: string, number: number): Step[] => [
  foreign("expr_create", text),
  foreign("expr_evaluate", token(number)),
];

/** Expressions of CEL; a token is one more than the one before. */
const CEL: readonly Step[] = [
  ...[
    `request.path`,
    `request.method == "GET" && request.headers["x-name"] == "first,second"`,
    `request.path.startsWith("/a")`,
    `1 + 2`,
    `1.5`,
    `size(request.headers) > 3`,
    `"x-absent" in request.headers`,
    `request.headers["x-absent"]`,
    `plugin_name + "!"`,
    `[1, 2]`,
    `{"a": "b"}`,
    `duration("1.5s")`,
    `b"bytes"`,
    `nothing.at.all`,
    `response.code`,
    `true ? "yes" : "no"`,
    `request.url_path.matches("^/[a-z]$")`,
    `["a", "b"].exists(x, x == "b")`,
  ].flatMap(expression),
  foreign("expr_create", "1 +"),
  foreign("expr_create", ""),
  foreign("expr_delete", token(0)),
  foreign("expr_delete", token(0)),
  foreign("expr_evaluate", token(0)),
  foreign("expr_evaluate", token(99)),
  foreign("expr_evaluate", "abc"),
  foreign("expr_delete", "abc"),
];

/** One case a table. Without what Envoy 1.37 lacks, if that is the Envoy. */
export function statusCases(envoyVersion: string): Case[] {
  const tables = Object.entries(STATUS_TABLES).map(([name, rows]) =>
    table(
      name,
      rows.map(([call]) => call),
      envoyVersion,
    ),
  );
  return [...tables, table("more", MORE, envoyVersion), table("CEL", CEL, envoyVersion)];
}

/** The calls of a table, one after another when the request's headers come. Its transcript has a line for each. */
function table(name: string, calls: readonly Step[], envoyVersion: string): Case {
  const isThere = ({ call }: Step): boolean =>
    !envoyVersion.startsWith("1.37.") || !NOT_IN_ENVOY_1_37.has(call.replace("wasi:", ""));
  const rows = [...calls.entries()].filter(([, item]) => isThere(item));
  return {
    name,
    module: { callbacks: { proxy_on_request_headers: { steps: rows.map(([, item]) => item) } } },
    request: REQUEST,
    lineNames: rows.map(([i, { call }]) => `row ${i}, ${call}`),
    logOnly: true,
  };
}
