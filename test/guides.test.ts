import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { WebAssembly, type ImportObject } from "../host/webassembly.ts";
import { root } from "../setup/paths.mjs";
import { compileBlocks, guideBlocks, type Claim } from "./support/guides.ts";

const blocks = guideBlocks();
const claimed = (claim: Claim) => blocks.filter((block) => block.claim === claim);
const exported = (code: string): string[] =>
  [...code.matchAll(/^export function (\w+)/gm)].map(([, name = ""]) => name);

describe("the code in the guides", () => {
  test("is there", () => {
    for (const claim of ["filter", "holds", "traps", "refused", "from"] as const) assert.ok(claimed(claim).length > 1);
  });

  describe("what is said to compile", async () => {
    const { errors, module } = await compileBlocks([...claimed("filter"), ...claimed("holds"), ...claimed("traps")]);

    test("compiles", () => assert.equal(errors, ""));

    /** Nothing that is run here needs the host. */
    const call = (name: string): unknown => {
      assert.ok(module);
      const anything = new Proxy({}, { get: () => () => 0 });
      const imports: ImportObject = { env: anything, wasi_snapshot_preview1: anything };
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), imports);
      const initialize = exports["_initialize"] ?? exports["_start"];
      if (typeof initialize === "function") (initialize as () => void)();
      const found = exports[name];
      assert.ok(typeof found === "function", name);
      return (found as () => unknown)();
    };

    for (const { place, code } of claimed("holds")) {
      for (const name of exported(code)) test(`${place} ${name} holds`, () => assert.equal(call(name), 1));
    }
    for (const { place, code } of claimed("traps")) {
      for (const name of exported(code)) {
        test(`${place} ${name} traps`, () => assert.throws(() => call(name), WebAssembly.RuntimeError));
      }
    }
  });

  for (const block of claimed("refused")) {
    test(`${block.place} is refused: ${block.rest}`, async () => {
      const { errors } = await compileBlocks([block]);
      assert.ok(errors.includes(block.rest), errors);
    });
  }

  for (const { place, rest, code } of claimed("from")) {
    test(`${place} stands in ${rest}`, () => {
      const plain = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
      assert.ok(plain(readFileSync(join(root, rest), "utf8")).includes(plain(code)));
    });
  }
});
