import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { always } from "./callbacks.ts";
import FilterTransform from "./index.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const sdk = `from "proxy-wasm-assemblyscript-sdk"`;

/** Compiles a filter and gives the names of its exports, or what the compiler said. */
async function compile(
  source: string,
  options: string[] = [],
): Promise<{ exports: string[]; wat: string; said: string }> {
  let wat = "";
  const stderr = asc.createMemoryStream();
  await asc.main(
    ["filter.ts", "--runtime", "assembly/runtime/index", "--textFile", "out.wat", "--baseDir", root, ...options],
    {
      stderr,
      readFile: async (name: string, baseDir: string) => {
        if (name === "filter.ts") return source;
        const { readFile } = await import("node:fs/promises");
        return readFile(join(baseDir, name), "utf8").catch(() => null);
      },
      writeFile: (_name, content) => {
        wat = String(content);
      },
      // asc takes any class with the hooks; its types ask for its own base class.
      transforms: [FilterTransform as unknown as never],
    },
  );
  const exports = [...wat.matchAll(/\(export "([^"]+)"/g)].map((match) => match[1] ?? "");
  return { exports, wat, said: stderr.toString() };
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
      const { exports, said } = await compile(source);
      assert.equal(said, "");
      assert.deepEqual(exports.sort(), [...minimum, ...more].sort());
    });
  }

  test("a module without a registration is refused, with what to do", async () => {
    const { said } = await compile(`export function f(): void {}`);
    assert.match(said, /registers no plugin.*registerRootContext/s);
  });

  test("there is no import that Envoy lacks, and no shadow stack", async () => {
    const { wat } = await compile(
      `import { HttpContext, registerHttpContext } ${sdk};
       class A extends HttpContext { onLog(): void { throw new Error("no"); } }
       registerHttpContext("a", () => new A());`,
    );
    assert.ok(!wat.includes('"env" "abort"'));
    assert.ok(!wat.includes("__stack_pointer"));
  });
});
