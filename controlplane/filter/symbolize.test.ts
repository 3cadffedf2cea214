import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../setup/paths.mjs";
import { buildFilter } from "./build.ts";
import { findProject } from "./project.ts";
import { shortName, Symbolizer } from "./symbolize.ts";
import { readFunctionNames } from "./wasm/names.ts";
import { readFunctionBodies, readSections } from "./wasm/sections.ts";

const source = `import { HttpContext, registerHttpContext } from "proxy-wasm-assemblyscript-sdk";
function divide(a: i32, b: i32): i32 {
  return a / b;
}
class A extends HttpContext {
  onLog(): void {
    divide(1, this.id);
  }
}
registerHttpContext("a", () => new A());
`;

describe("a debug module", () => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "symbolize-"));
  let module: Uint8Array = new Uint8Array();
  let sourceMap = "";
  before(async () => {
    writeFileSync(join(folder, "index.ts"), source);
    const built = await buildFilter(findProject(folder), { debug: true, out: join(folder, "out.wasm") });
    assert.ok(built.ok);
    ({ module, sourceMap = "" } = built);
  });
  after(() => rmSync(folder, { recursive: true }));

  const named = (start: string): [index: number, name: string] => {
    const found = [...readFunctionNames(module)].find(([, name]) => name.startsWith(start));
    assert.ok(found, start);
    return found;
  };

  test("names its functions with file and line", () => {
    assert.match(named("divide@")[1], /^divide@\.cache\/symbolize-\w+\/index\.ts:[23]$/);
    assert.match(named("A#onLog@")[1], /index\.ts:[67]$/);
    assert.match(named("proxy_on_log@")[1], /runtime\/exports\.ts:\d+$/);
  });

  test("each position in a function leads to a place in it; Envoy's line gets that place", () => {
    const symbolizer = new Symbolizer(module, sourceMap);
    const [index] = named("divide@");
    const sections = readSections(module);
    const imported = index - readFunctionBodies(module, sections, 0).length;
    assert.ok(imported < index);
    const places = new Set<string>();
    for (let offset = 0; offset < module.length; offset++) {
      const line = symbolizer.line(`  1:  0x${offset.toString(16)} - divide@x/index.ts:2`);
      assert.match(line, /^ {2}1: {2}divide( at .+:\d+:\d+)?$/);
      const place = symbolizer.locate(offset);
      if (place?.file.endsWith("/index.ts") === true && place.file.startsWith(".cache")) places.add(String(place.line));
    }
    assert.ok(
      ["3", "7", "10"].every((line) => places.has(line)),
      [...places].join(),
    );
  });

  test("other lines of a log stay as they are", () => {
    const symbolizer = new Symbolizer(module, sourceMap);
    for (const line of ["", "Proxy-Wasm plugin in-VM backtrace:", "0x12 - f", "1: 0xzz - f"]) {
      assert.equal(symbolizer.line(line), line);
    }
  });
});

test("short names", () => {
  const cases: [name: string, short: string][] = [
    ["assembly/index/Greeter#onLog", "Greeter#onLog"],
    ["~lib/map/Map<~lib/string/String,i32>#get", "Map<~lib/string/String,i32>#get"],
    ["~start", "~start"],
    ["Greeter#onLog@assembly/index.ts:3", "Greeter#onLog@assembly/index.ts:3"],
  ];
  for (const [name, short] of cases) assert.equal(shortName(name), short);
});
