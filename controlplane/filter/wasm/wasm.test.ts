import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readWasm } from "@meshwright/host";
import fc from "fast-check";
import { CodeMap } from "../code-map.ts";
import { reportModule } from "../report.ts";
import { readFunctionNames, withFunctionNames } from "./names.ts";
import { leb128, Reader, readFunctionBodies, readSections } from "./sections.ts";

/** A module of two functions without parameters, under whatever names. */
const twoFunctions = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0],
  ...[3, 3, 2, 0, 0],
  ...[10, 8, 2, 2, 0, 0x0b, 3, 0, 1, 0x0b],
]);

describe("LEB128", () => {
  test("is read as it is written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        assert.equal(new Reader(Uint8Array.from(leb128(value))).u32(), value);
      }),
    );
  });

  test("vectors of the specification's encoding", () => {
    assert.deepEqual(leb128(0), [0]);
    assert.deepEqual(leb128(127), [0x7f]);
    assert.deepEqual(leb128(624_485), [0xe5, 0x8e, 0x26]);
  });
});

describe("function names", () => {
  test("are read as they are written, and nothing else of the module changes", () => {
    const names = fc.dictionary(fc.integer({ min: 0, max: 1e6 }).map(String), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(names, (record) => {
        const given = new Map(Object.entries(record).map(([index, name]) => [Number(index), name]));
        const named = withFunctionNames(withFunctionNames(twoFunctions, new Map([[0, "old"]])), given);
        assert.deepEqual(readFunctionNames(named), new Map([...given].sort(([a], [b]) => a - b)));
        assert.deepEqual(named.subarray(0, twoFunctions.length), Buffer.from(twoFunctions));
        assert.ok(readWasm(named).ok);
      }),
    );
  });

  test("bodies are where the code is, counted after the imports", () => {
    const bodies = readFunctionBodies(twoFunctions, readSections(twoFunctions), 5);
    assert.deepEqual(bodies, [
      { index: 5, start: 23, end: 25 },
      { index: 6, start: 26, end: 29 },
    ]);
  });
});

describe("a report", () => {
  test("can be made of any bytes", () => {
    const damaged = fc
      .tuple(fc.nat(twoFunctions.length - 1), fc.nat(255), fc.nat(twoFunctions.length))
      .map(([at, byte, length]) => {
        const bytes = Uint8Array.from(twoFunctions);
        bytes[at] = byte;
        return bytes.subarray(0, length);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        assert.equal(reportModule(bytes).size, bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  test("tells code by where it comes from", () => {
    const groups: [name: string, group: string][] = [
      ["assembly/index/Greeter#onLog", "filter"],
      ["Greeter#onLog@assembly/index.ts:3", "filter"],
      ["~lib/proxy-wasm-assemblyscript-sdk/config/Config#accept", "SDK"],
      ["HeaderMap#get@~lib/proxy-wasm-assemblyscript-sdk/http/header-map.ts:1", "SDK"],
      ["node_modules/proxy-wasm-assemblyscript-sdk/runtime/collector/__new", "runtime"],
      ["~lib/rt/tlsf/insertBlock", "runtime"],
      ["~lib/array/Array<i32>#__get", "standard library"],
      ["~lib/util/string/joinStringArray", "standard library"],
      ["~lib/json-as/assembly/index/parse", "library json-as"],
      ["~start", "standard library"],
    ];
    for (const [name, group] of groups) {
      const { code } = reportModule(withFunctionNames(twoFunctions, new Map([[0, name]])));
      assert.deepEqual(code.map((share) => share.name).sort(), [group, "unknown"].sort(), name);
    }
  });

  test("tells code by the files in a source map, where the module says that there is one", () => {
    const map = CodeMap.parse(
      JSON.stringify({
        version: 3,
        sources: ["assembly/index.ts", "~lib/proxy-wasm-assemblyscript-sdk/json/parse.ts"],
        names: [],
        // From byte 23 on the first source, from 27 the second, from 28 the first again.
        mappings: "uBAAA,ICAA,CDAA",
      }),
    );
    const mapped = Buffer.concat([twoFunctions, Buffer.from("\0\x13\x10sourceMappingURL\x01x")]);
    const { code, largest } = reportModule(mapped, map);
    assert.deepEqual(code, [
      { name: "filter", size: 3, parts: [{ name: "assembly", size: 3 }] },
      { name: "SDK", size: 2, parts: [{ name: "json", size: 2 }] },
    ]);
    assert.deepEqual(largest, [
      { name: "function 1 at ~lib/proxy-wasm-assemblyscript-sdk/json/parse.ts:1", size: 3 },
      { name: "function 0 at assembly/index.ts:1", size: 2 },
    ]);
    assert.deepEqual(reportModule(twoFunctions, map).code, []);
  });
});
