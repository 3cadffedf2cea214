import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import asc from "assemblyscript/asc";
import { inspectModule } from "@meshwright/host";
import { always } from "./callbacks.ts";

const sdk = `from "proxy-wasm-assemblyscript-sdk"`;

/** Compiles a filter: the module, or what the compiler said. */
async function compile(source: string, options: readonly string[] = []): Promise<{ module: Uint8Array; said: string }> {
  let module = new Uint8Array();
  let said = "";
  await asc.main(["filter.ts", "--config", "assembly/asconfig.json", "--outFile", "filter.wasm", ...options], {
    readFile: (name, base) => (name === "filter.ts" ? source : readFile(join(base, name), "utf8").catch(() => null)),
    writeFile: (_name, contents) => {
      module = Uint8Array.from(contents as Uint8Array);
    },
    stderr: { write: (text) => void (said += String(text)) },
  });
  return { module, said };
}

const minimum = ["memory", "_initialize", ...always];

describe("transform", () => {
  const cases: [what: string, source: string, more: string[]][] = [
    [
      "a stream that overrides one callback",
      `import { HttpContext, FilterHeadersStatus, registerHttpContext } ${sdk};
       class A extends HttpContext { onRequestHeaders(end: bool): FilterHeadersStatus { return FilterHeadersStatus.Continue; } }
       registerHttpContext("a", () => new A());`,
      ["proxy_on_request_headers"],
    ],
    [
      "a class under another name, through a parent and a namespace",
      `import * as wasm ${sdk};
       import { HttpContext as Stream } ${sdk};
       abstract class Base extends Stream { onLog(): void {} }
       class A extends Base { onResponseBody(size: u32, end: bool): wasm.FilterDataStatus { return wasm.FilterDataStatus.Continue; } }
       class R extends wasm.RootContext { onTick(): void {} createHttpContext(): wasm.HttpContext { return new A(); } }
       wasm.registerRootContext("a", () => new R());`,
      ["proxy_on_log", "proxy_on_response_body", "proxy_on_tick"],
    ],
    [
      "what an answer, a timer and a connection need",
      `import * as wasm ${sdk};
       class Reply extends wasm.HttpCallReply {
         onResponse(response: wasm.HttpCallResponse): void {} onFailure(failure: wasm.CalloutFailure): void {} }
       class Beat extends wasm.Timer { onTime(): void {} }
       class A extends wasm.TcpContext {
         onDownstreamClose(close: wasm.CloseType): void {
           new wasm.HttpCall("a").send(new Reply()); new Beat().startOnce(wasm.Duration.ZERO); } }
       wasm.registerTcpContext("a", () => new A());`,
      [
        "proxy_on_downstream_connection_close",
        "proxy_on_http_call_response",
        "proxy_on_new_connection",
        "proxy_on_tick",
      ],
    ],
    [
      "what gRPC needs",
      `import * as wasm ${sdk};
       class Reply extends wasm.GrpcReply {
         onMessage(message: wasm.Bytes): void {} onFailure(status: wasm.GrpcStatus, message: string): void {} }
       class Chat extends wasm.GrpcStream { onTrailingMetadata(metadata: wasm.HeaderMap): void {} }
       class R extends wasm.RootContext {
         onConfigure(configuration: wasm.Bytes): bool {
           const method = new wasm.GrpcMethod(wasm.GrpcService.cluster("a"), "a.B", "C");
           method.call(new Reply(), configuration);
           return method.open(new Chat()) == wasm.Status.Ok; } }
       wasm.registerRootContext("a", () => new R());`,
      ["proxy_on_grpc_close", "proxy_on_grpc_receive", "proxy_on_grpc_receive_trailing_metadata"],
    ],
    [
      "a class that has nothing to do with filters",
      `import { HttpContext, registerHttpContext } ${sdk};
       class Clock { onTick(): void {} }
       class A extends HttpContext { constructor(private size: i32) { super(); } toString(): string { return ""; } }
       const clock = new Clock(); clock.onTick();
       registerHttpContext("a", () => new A(1));`,
      [],
    ],
  ];
  for (const [what, source, more] of cases) {
    test(`exports what is overridden: ${what}`, async () => {
      const { module, said } = await compile(source);
      assert.equal(said, "");
      const { exports, problems } = inspectModule(module);
      assert.deepEqual(problems, []);
      assert.deepEqual(exports.map(({ name }) => name).sort(), [...minimum, ...more].sort());
    });
  }

  test("a module without a registration is refused, with what to do", async () => {
    const { said } = await compile(`export function f(): void {}`);
    assert.match(said, /registers no plugin.*registerRootContext/s);
  });

  test("there is no import that Envoy lacks, and no shadow stack", async () => {
    const { module } = await compile(
      `import { HttpContext, registerHttpContext } ${sdk};
       class A extends HttpContext { onLog(): void { throw new Error("no"); } }
       registerHttpContext("a", () => new A());`,
      ["--debug"],
    );
    const { imports, problems } = inspectModule(module);
    assert.deepEqual(problems, []);
    assert.ok(imports.every(({ name }) => name.startsWith("proxy_")));
    // A debug module holds the names of its functions; the shadow stack would bring some of its own.
    assert.ok(Buffer.from(module).includes("runtime/collector/__new"));
    assert.ok(!Buffer.from(module).includes("~stack_check"));
    assert.ok(!Buffer.from(module).includes("__tostack"));
  });
});
