import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import asc from "assemblyscript/asc";

const sdk = `from "proxy-wasm-assemblyscript-sdk"`;
const imports = `import { Bytes, FilterDataStatus, FilterHeadersStatus, HeaderName, HttpContext, RootContext, logInfo, registerHttpContext, registerRootContext, responseHeaders } ${sdk}; const NAME = new HeaderName("a");\n`;
const register = `\nregisterHttpContext("a", () => new A());`;

/** What the compiler says about a filter, which starts on line 2. */
async function check(source: string): Promise<string> {
  let said = "";
  const { error } = await asc.main(["checked.ts", "--config", "assembly/asconfig.json", "--noEmit"], {
    readFile: (name, base) =>
      name === "checked.ts" ? `${imports}${source}` : readFile(join(base, name), "utf8").catch(() => null),
    stderr: { write: (text) => void (said += String(text)) },
  });
  return `${said}\n${error?.message ?? ""}`;
}

const stream = (members: string): string => `class A extends HttpContext {\n${members}\n}${register}`;

describe("faults of a filter are errors of the compiler, with their place", () => {
  const cases: [what: string, source: string, place: string, said: RegExp][] = [
    [
      "no result",
      stream(`onRequestHeaders(end: bool): void {}`),
      "checked.ts(3,1)",
      /onRequestHeaders of HttpContext is onRequestHeaders\(endOfStream: bool\): FilterHeadersStatus; expected the result FilterHeadersStatus, found void/,
    ],
    [
      "another type",
      stream(`onRequestHeaders(end: i32): FilterHeadersStatus { return FilterHeadersStatus.Continue; }`),
      "checked.ts(3,1)",
      /expected the parameter end of type bool, found i32/,
    ],
    [
      "a parameter too few",
      stream(`onResponseBody(end: bool): FilterDataStatus { return FilterDataStatus.Continue; }`),
      "checked.ts(3,1)",
      /expected 2 parameters, found 1/,
    ],
    [
      "another status",
      stream(`onRequestHeaders(end: bool): FilterDataStatus { return FilterDataStatus.Continue; }`),
      "checked.ts(3,1)",
      /expected the result FilterHeadersStatus, found FilterDataStatus/,
    ],
    [
      "a fault in a class between",
      `abstract class B extends HttpContext {\nonLog(): bool { return true; }\n}\nclass A extends B {}${register}`,
      "checked.ts(3,1)",
      /onLog of HttpContext is onLog\(\): void; expected the result void, found bool/,
    ],
    [
      "a letter too few",
      stream(`onRequestHeader(end: bool): void {}`),
      "checked.ts(3,1)",
      /did you mean onRequestHeaders\?/,
    ],
    [
      "another case",
      stream(`onrequestbody(size: u32, end: bool): void {}`),
      "checked.ts(3,1)",
      /did you mean onRequestBody\?/,
    ],
    [
      "the export's name",
      stream(`on_request_headers(end: bool): void {}`),
      "checked.ts(3,1)",
      /did you mean onRequestHeaders\?/,
    ],
    [
      "a factory's name",
      `class R extends RootContext {\ncreateHTTPContexts(): HttpContext | null { return null; }\n}\nregisterRootContext("a", () => new R());`,
      "checked.ts(3,1)",
      /RootContext has no callback createHTTPContexts.*did you mean createHttpContext\?/,
    ],
    [
      "one root id twice",
      `class A extends HttpContext {}${register}\nregisterRootContext("a", () => new RootContext());`,
      "checked.ts(4,21)",
      /root id "a" is registered twice.*checked\.ts:3/,
    ],
    [
      "one root id twice, under another name",
      `import { registerHttpContext as serve } ${sdk}; class A extends HttpContext {}${register}\nserve("a", () => new A());`,
      "checked.ts(4,7)",
      /root id "a" is registered twice.*checked\.ts:3/,
    ],
    [
      "a log of JavaScript's",
      stream(`onLog(): void {\nconsole.log("a"); }`),
      "checked.ts(4,1)",
      /console\.log is not there in Envoy: .*logInfo/,
    ],
    [
      "random numbers",
      stream(`onLog(): void {\nMath.random(); }`),
      "checked.ts(4,1)",
      /Math\.random is not there in Envoy: draw with randomF64/,
    ],
    ["JavaScript's clock", stream(`onLog(): void {\nDate.now(); }`), "checked.ts(4,1)", /currentTimeNanoseconds\(\)/],
    [
      "the compiler's trace",
      stream(`onLog(): void {\ntrace("a"); }`),
      "checked.ts(4,1)",
      /trace\(\) is not there in Envoy/,
    ],
    [
      "== on two Bytes",
      stream(`onLog(): void {\nif (responseHeaders.find(NAME) == Bytes.utf8("a")) logInfo("a"); }`),
      "checked.ts(4,5)",
      /== on two Bytes would compare their addresses: .* a\.equals\(b\)/,
    ],
    [
      "!== on two Bytes, in a function compiled twice",
      `function differ<T>(a: Bytes, b: Bytes | null, c: T): bool {\nreturn b !== null && a !== b; }
       ${stream(`onLog(): void { differ(Bytes.utf8("a"), null, 1); differ(Bytes.utf8("a"), null, "1"); }`)}`,
      "checked.ts(3,22)",
      /!== on two Bytes would .* !a\.equals\(b\)/,
    ],
  ];
  for (const [what, source, place, message] of cases) {
    test(what, async () => {
      const said = await check(source);
      assert.match(said, message);
      assert.ok(said.includes(`└─ in ${place}`), said);
      // Nothing else is said of the same fault.
      assert.match(said, /1 (parse|compile) error\(s\)/);
    });
  }

  test("no registration: there is no place to point at", async () => {
    assert.match(
      await check(`class A extends HttpContext {}`),
      /this filter registers no plugin.*registerRootContext/s,
    );
  });
});

describe("no fault is found in", () => {
  const cases: [what: string, source: string][] = [
    [
      "types under other names",
      `import * as wasm ${sdk};
       import { FilterHeadersStatus as Status } ${sdk};
       type Flag = bool;
       class A extends HttpContext {
         onRequestHeaders(end: Flag): Status { return Status.Continue; }
         onResponseHeaders(end: boolean): wasm.FilterHeadersStatus { return Status.Continue; }
       }${register}`,
    ],
    [
      "methods that are the filter's own",
      stream(`onMyOwn(a: i32): i32 { return a; } helper(): void {} create(): void {}`),
    ],
    [
      "names that the filter gives itself",
      `class Log { log(text: string): void { logInfo(text); } }
       const console = new Log();
       function trace(text: string): void { logInfo(text); }
       function use(process: Log, performance: Log): void { process.log("a"); performance.log("b"); }
       class A extends HttpContext { onLog(): void { console.log("c"); trace("d"); use(console, console); } }${register}`,
    ],
    [
      "comments and texts",
      stream(
        `// console.log("a")\n/* Math.random() */ onLog(): void { logInfo("Date.now() " + 'trace("a")' + \`process.exit\`); }`,
      ),
    ],
    [
      "an import under another name",
      `import { registerHttpContext as serve } from "proxy-wasm-assemblyscript-sdk";
       class A extends HttpContext {}\nserve("a", () => new A());`,
    ],
    [
      "Bytes beside null, and what of Bytes is no reference",
      stream(
        `onLog(): void {
           let a: Bytes | null = responseHeaders.find(NAME);
           if (a == null || a !== null && a.size == 1 && a[0] == 2 && a.equals(a) == true) logInfo("a");
           if ([Bytes.utf8("b")].includes(Bytes.utf8("c")) == (a === null)) logInfo("d");
         }`,
      ),
    ],
    [
      "two ids, and one that only the program knows",
      `const id = "a" + "b"; class A extends HttpContext {}${register}
       registerHttpContext("b", () => new A()); registerHttpContext(id, () => new A()); registerHttpContext(id, () => new A());`,
    ],
  ];
  for (const [what, source] of cases) {
    test(what, async () => {
      assert.doesNotMatch(await check(source), /ERROR|error|registers no plugin/);
    });
  }
});
