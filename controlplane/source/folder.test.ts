import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FolderSource } from "./folder.ts";
import { loadFromSource } from "./load.ts";
import type { StopWatching } from "./source.ts";

let root = "";
let folder = "";
let owner = "";
const stops: StopWatching[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "source-"));
  folder = join(root, "mesh");
  owner = `the folder ${folder}`;
  await mkdir(folder);
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(root, { recursive: true });
});

async function write(name: string, text = ""): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe("FolderSource.list", () => {
  it("gives resource files in order, with the path as the user would write it", async () => {
    for (const name of ["b.yaml", "a.yml", "c/d.json", "c/a.yaml"]) await write(name, name);
    const files = await new FolderSource(`${folder}/./`).list();
    assert.deepEqual(
      files,
      ["a.yml", "b.yaml", "c/a.yaml", "c/d.json"].map((name) => ({
        path: `${folder}/${name}`,
        text: name,
        owner: `the folder ${folder}/./`,
      })),
    );
  });

  it("reads again what has changed, even where size and time of writing are as they were", async () => {
    const old = new Date(Date.now() - 60_000);
    const source = new FolderSource(folder);
    const list = async (): Promise<string[]> => (await source.list()).map(({ text }) => text);
    await write("a.yaml", "one");
    await write("b.yaml", "two");
    await utimes(join(folder, "a.yaml"), old, old);
    assert.deepEqual(await list(), ["one", "two"]);
    await write("a.yaml", "six");
    await utimes(join(folder, "a.yaml"), old, old);
    assert.deepEqual(await list(), ["six", "two"]);
    await unlink(join(folder, "b.yaml"));
    assert.deepEqual(await list(), ["six"]);
    await write("b.yaml", "ten");
    assert.deepEqual(await list(), ["six", "ten"]);
  });

  it("gives the same object for a file that is as it was", async () => {
    await write("a.yaml", "one");
    const settled = new FolderSource(folder);
    await settled.list();
    // Its last change has to be so old that no later one can have the same time.
    await new Promise((resolve) => setTimeout(resolve, 2_600));
    const [before] = await settled.list();
    const [after] = await settled.list();
    assert.equal(after, before);
  });

  it("leaves out hidden files, those of editors, and everything else", async () => {
    const others = [
      ".a.yaml",
      ".git/a.yaml",
      "node_modules/x/a.yaml",
      "a.yaml~",
      "#a.yaml#",
      "#a.yaml",
      ".a.yaml.swp",
      "4913",
      "a.yaml.tmp",
      "a.wasm",
      "a.yaml/b.txt",
    ];
    for (const name of others) await write(name);
    assert.deepEqual(await new FolderSource(folder).list(), []);
  });

  it("follows links to files, as in the folder of a ConfigMap, and takes no broken one", async () => {
    await write("..data_1/a.yaml", "one");
    await symlink("..data_1", join(folder, "..data"));
    await symlink("..data/a.yaml", join(folder, "a.yaml"));
    await symlink("nowhere", join(folder, "b.yaml"));
    await symlink(".", join(folder, "loop"));
    assert.deepEqual(await new FolderSource(folder).list(), [{ path: `${folder}/a.yaml`, text: "one", owner }]);
  });

  it("waits while a file is being written", async () => {
    await write("a.yaml", "first half");
    const listed = new FolderSource(folder, { quietMs: 300, maxMs: 5000 }).list();
    await write("a.yaml", "first half, second half");
    assert.equal((await listed)[0]?.text, "first half, second half");
  });

  it("says when the folder is not there", async () => {
    await assert.rejects(new FolderSource(join(root, "none")).list(), { code: "ENOENT" });
  });
});

describe("FolderSource.readAssets", () => {
  it("reads schemas, and finds modules", async () => {
    await write("a.wasm", "module");
    await write("a.json", "{}");
    const path = (name: string): string => join(folder, name);
    const assets = await new FolderSource(folder).readAssets([
      { path: path("a.wasm"), use: "module" },
      { path: path("a.json"), use: "schema" },
      { path: path("b.wasm"), use: "module" },
      { path: path("a.wasm/c.json"), use: "schema" },
      { path: folder, use: "module" },
    ]);
    assert.deepEqual(Object.fromEntries(assets), {
      [path("a.wasm")]: { ok: true },
      [path("a.json")]: { ok: true, text: "{}" },
      [path("b.wasm")]: { ok: false, reason: "there is no such file" },
      [path("a.wasm/c.json")]: { ok: false, reason: "there is no such file" },
      [folder]: { ok: false, reason: "it is not a file" },
    });
  });
});

describe("FolderSource.watch", () => {
  /** Does something to the files, and waits until the source reports a change. */
  async function reports(source: FolderSource, action: () => Promise<unknown>): Promise<void> {
    const { promise, resolve } = withResolvers();
    stops.push(await source.watch(resolve));
    await action();
    await promise;
  }

  const module = `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: a }
spec: { file: ../a.wasm }
`;

  it("reports a changed, a new and a removed file", async () => {
    await write("a.yaml", "1");
    const source = new FolderSource(folder, { quietMs: 10, maxMs: 100 });
    await reports(source, () => write("a.yaml", "2"));
    await reports(source, () => write("new/b.yaml", "1"));
    await reports(source, () => rename(join(folder, "a.yaml"), join(folder, "c.yaml")));
    await reports(source, () => unlink(join(folder, "c.yaml")));
    assert.deepEqual(await source.list(), [{ path: `${folder}/new/b.yaml`, text: "1", owner }]);
  });

  it("reports a module that changes, one that comes to be, and one that is first named while watching", async () => {
    await write("a.yaml", module);
    const source = new FolderSource(folder, { quietMs: 10, maxMs: 100 });
    const loaded = await loadFromSource(source);
    assert.equal(loaded.ok, false);
    await reports(source, () => writeFile(join(root, "a.wasm"), "1"));
    assert.equal((await loadFromSource(source)).ok, true);
    await reports(source, () => writeFile(join(root, "a.wasm"), "2"));

    const late = new FolderSource(folder, { quietMs: 10, maxMs: 100 });
    const { promise, resolve } = withResolvers();
    stops.push(await late.watch(resolve));
    await loadFromSource(late);
    await writeFile(join(root, "a.wasm"), "3");
    await promise;
  });

  it("reports a change of a file that a link leads to", async () => {
    await writeFile(join(root, "a.yaml"), "1");
    await symlink("../a.yaml", join(folder, "a.yaml"));
    const source = new FolderSource(folder, { quietMs: 10, maxMs: 100 });
    await reports(source, () => writeFile(join(root, "a.yaml"), "2"));
    assert.deepEqual(await source.list(), [{ path: `${folder}/a.yaml`, text: "2", owner }]);
  });

  it("reports a ConfigMap that is replaced", async () => {
    await write("..data_1/a.yaml", "one");
    await write("..data_2/a.yaml", "two");
    await symlink("..data_1", join(folder, "..data"));
    await symlink("..data/a.yaml", join(folder, "a.yaml"));
    const source = new FolderSource(folder, { quietMs: 10, maxMs: 100 });
    await reports(source, async () => {
      await symlink("..data_2", join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    });
    assert.deepEqual(await source.list(), [{ path: `${folder}/a.yaml`, text: "two", owner }]);
  });
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
