import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../testdata/probe.ts";
import { capMemory } from "./memory-cap.ts";
import { readWasm } from "./wasm-binary.ts";

const cases: [name: string, memory: string, expected: unknown][] = [
  ["a memory without a maximum gets one", "(memory 2)", [{ flags: 1, minimum: 2, maximum: 300 }]],
  ["a larger maximum is lowered", "(memory 2 4000)", [{ flags: 1, minimum: 2, maximum: 300 }]],
  ["a smaller maximum stays", "(memory 2 3)", [{ flags: 1, minimum: 2, maximum: 3 }]],
  ["a module without a memory stays as it is", "", []],
];

for (const [name, memory, expected] of cases) {
  test(name, async () => {
    const bytes = await assemble(`(module (func $f) ${memory} (export "f" (func $f)) (data $d "x"))`);
    const capped = readWasm(capMemory(bytes, 300));
    assert.ok(capped.ok);
    assert.deepEqual(capped.module.memories, expected);
    assert.deepEqual(capped.module.exports, [{ name: "f", kind: "function", signature: { params: [], results: [] } }]);
  });
}
