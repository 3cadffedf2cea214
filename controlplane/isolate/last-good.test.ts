import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadModel, resourcesOf } from "../model/index.ts";
import type { Model, Resource } from "../model/index.ts";
import { SqliteStore } from "../store/index.ts";
import { LastGoodStore } from "./last-good.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-last-good-"));
after(() => rmSync(folder, { recursive: true }));

const fail = (error: Error): void => assert.fail(error);

function modelOf(...texts: string[]): Model {
  const result = loadModel(texts.map((text, index) => ({ path: `${index}.yaml`, text })));
  assert.ok(result.ok, JSON.stringify(result));
  return result.model;
}

const service = (name: string, note = ""): string =>
  `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name}, annotations: { note: "${note}" } }, spec: { port: 80 } }\n`;

const contentOf = ({ kind, metadata, spec }: Resource): unknown => ({ kind, metadata, spec });

describe("the last good version in a store", () => {
  it("is what it was, for every kind, after a restart; a module that is gone was never there", async () => {
    const reference = readFileSync(new URL("../../docs/reference/resources.md", import.meta.url), "utf8");
    const model = modelOf(...[...reference.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text));
    const names = [...model.wasmModules.keys()];
    const modules = new Map(names.map((name, index) => [name, { sha256: String(index).repeat(64) }]));
    const before = SqliteStore.open(join(folder, "all.db"));
    const kept = new LastGoodStore(before, fail);
    kept.keep(model, modules);
    await kept.close();
    await before.close();

    const store = SqliteStore.open(join(folder, "all.db"));
    const last = await new LastGoodStore(store, fail).read((sha256) => ({ sha256 }));
    assert.deepEqual(last.resources.map(contentOf), resourcesOf(model).map(contentOf));
    assert.equal(new Set(last.resources.map(({ kind }) => kind)).size, 11);
    assert.deepEqual(last.modules, modules);
    const without = await new LastGoodStore(store, fail).read(() => undefined);
    assert.ok(!without.resources.some(({ kind }) => kind === "WasmModule"));
    await store.close();
  });

  it("is nothing at first, and the latest of those that write", async () => {
    const store = SqliteStore.open(join(folder, "two.db"));
    const [one, two] = [new LastGoodStore(store, fail), new LastGoodStore(store, fail)];
    assert.deepEqual((await one.read(() => undefined)).resources, []);
    for (const [who, text] of [
      [one, service("a")],
      [two, service("b")],
      [one, service("c")],
      [one, service("c")],
    ] as const) {
      who.keep(modelOf(text), new Map());
      await who.close();
    }
    const { resources } = await new LastGoodStore(store, fail).read(() => undefined);
    assert.deepEqual(
      resources.map(({ metadata, origin }) => [metadata.name, origin.file]),
      [["c", "0.yaml (as it was last good)"]],
    );
    await store.close();
  });

  it("is kept however large it is", async () => {
    const store = SqliteStore.open(join(folder, "large.db"));
    const kept = new LastGoodStore(store, fail);
    const note = randomBytes(1_500_000).toString("hex");
    kept.keep(modelOf(service("large", note)), new Map());
    await kept.close();
    const { resources } = await new LastGoodStore(store, fail).read(() => undefined);
    assert.equal(resources[0]?.metadata.annotations?.["note"], note);
    kept.keep(modelOf(service("small")), new Map());
    await kept.close();
    assert.deepEqual(await store.blobs(""), ["last-good"]);
    await store.close();
  });
});
