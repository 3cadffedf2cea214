import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import { loadFromSource, type Source } from "../source/index.ts";
import { OverlaySource } from "./overlay-source.ts";

const quota = (name: string, requests: number): string =>
  `apiVersion: meshwright.dev/v1alpha1
kind: Quota
metadata: { name: ${name} }
spec: { domain: d, bucket: { a: ${name} }, requests: ${requests}, period: 1s }
`;
const module = (name: string, file: string): string =>
  `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: ${name} }
spec: { file: ${file} }
`;

class Base implements Source {
  readonly name = "the base";
  readonly #files: readonly SourceFile[];

  constructor(...files: readonly SourceFile[]) {
    this.#files = files.map((file) => ({ ...file, owner: this.name }));
  }

  list(): Promise<readonly SourceFile[]> {
    return Promise.resolve(this.#files);
  }

  /** Has every file. */
  readAssets(references: readonly AssetReference[]): Promise<Assets> {
    return Promise.resolve(new Map(references.map(({ path }): [string, Asset] => [path, { ok: true }])));
  }

  read(path: string): Promise<Uint8Array> {
    return Promise.resolve(Buffer.from(`the base's ${path}`));
  }

  watch(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }
}

const sent = (path: string, text: string, assets: Record<string, string> = {}) => ({
  path,
  text,
  assets: new Map(Object.entries(assets).map(([name, bytes]) => [name, Buffer.from(bytes)])),
});

describe("a source with a change laid over it", () => {
  test("has what was sent in place of what is there, and all else on its lines", async () => {
    const base = new Base({
      path: "a.yaml",
      text: [quota("one", 1), quota("two", 2), quota("three", 3)].join("---\n"),
    });
    const source = await OverlaySource.of(base, { files: [sent("b.yaml", quota("one", 9))], deleted: ["Quota/two"] });
    const result = await loadFromSource(source);
    assert.ok(result.ok);
    assert.deepEqual(
      [...result.model.quotas.values()].map(({ metadata, spec, origin }) => {
        const { file, line } = origin.locate([]);
        return [metadata.name, spec.requests, `${file}:${line}`];
      }),
      [
        ["one", 9, "b.yaml:1"],
        ["three", 3, "a.yaml:11"],
      ],
    );
    assert.deepEqual(source.missing, []);
  });

  test("says what is to be deleted and is not there", async () => {
    const source = await OverlaySource.of(new Base(), { files: [], deleted: ["Quota/two"] });
    assert.deepEqual(source.missing, ["Quota/two"]);
  });

  test("reads what was sent along, and of the base what the resource had there", async () => {
    const held = { "kept.wasm": "base:kept.wasm" };
    const base = new Base({ path: "a.yaml", text: module("kept", "kept.wasm"), assets: held });
    const files = [
      sent("b.yaml", `${module("kept", "kept.wasm")}---\n${module("new", "new.wasm")}`, { "new.wasm": "x" }),
    ];
    const source = await OverlaySource.of(base, { files, deleted: [] });
    const result = await loadFromSource(source);
    assert.ok(result.ok, JSON.stringify(result));
    const read = async (name: string): Promise<string> =>
      Buffer.from(await source.read(result.model.wasmModules.get(name)?.filePath ?? "")).toString();
    assert.equal(await read("kept"), "the base's base:kept.wasm");
    assert.equal(await read("new"), "x");
  });

  test("reads no file that the request only names, though the base has it", async () => {
    for (const file of ["/etc/passwd", "other.wasm", "base:other.wasm"]) {
      const base = new Base({
        path: "a.yaml",
        text: module("other", "other.wasm"),
        assets: { "other.wasm": "base:other.wasm" },
      });
      const source = await OverlaySource.of(base, { files: [sent("b.yaml", module("new", file))], deleted: [] });
      const result = await loadFromSource(source);
      assert.ok(!result.ok);
      assert.match(result.problems[0]?.message ?? "", /not sent along/);
    }
  });
});
