import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { ConflictError, SqliteStore, type Store } from "../store/index.ts";
import { loadFromSource, MergedSource, type Source } from "../source/index.ts";
import {
  FaultsError,
  Journal,
  JournalSource,
  keyOf,
  NotFoundError,
  Resources,
  StaleError,
  type AppliedFile,
} from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-journal-"));
const stores: Store[] = [];
after(async () => {
  for (const store of stores) await store.close();
  rmSync(root, { recursive: true });
});

const service = (name: string, port = 80): string =>
  `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name} }\nspec: { port: ${String(port)} }\n`;
const file = (path: string, ...texts: string[]): AppliedFile => ({
  path,
  text: texts.join("---\n"),
  assets: new Map(),
});
const check = async (source: Source): Promise<FaultsError["problems"]> => {
  const loaded = await loadFromSource(source);
  return loaded.ok ? [] : loaded.problems;
};
const run = { dryRun: false };
const ann = { author: "ann", message: "because" };
const bob = { author: "bob", message: "why not" };

let store: Store;
let time = 0;
let resources: Resources;
beforeEach(async () => {
  store = SqliteStore.open(join(mkdtempSync(join(root, "state-")), "state.db"));
  stores.push(store);
  time = Date.UTC(2026, 0, 1);
  resources = new Resources(await Journal.open(store, () => new Date(time)), check);
});

const texts = async (revision?: number): Promise<Record<string, string>> => {
  const { journal } = resources;
  const state = revision === undefined ? await journal.state() : await journal.stateAt(revision);
  return Object.fromEntries([...(state?.resources ?? [])].map(([key, { text }]) => [key, text.replace(/^---\n/, "")]));
};

describe("apply", () => {
  test("creates, updates, leaves alone, and says which", async () => {
    const first = await resources.apply([file("a.yaml", service("a"), service("b"))], ann, run);
    const second = await resources.apply(
      [file("a.yaml", service("a", 81), service("b")), file("c.yaml", service("c"))],
      bob,
      run,
    );
    assert.deepEqual(
      [first, second].map(({ revision, changes }) => [revision, changes.map((one) => `${one.change} ${keyOf(one)}`)]),
      [
        [1, ["created Service/a", "created Service/b"]],
        [2, ["updated Service/a", "created Service/c"]],
      ],
    );
    assert.match(second.changes[0]?.diff ?? "", /^-spec: \{ port: 80 \}\n\+spec: \{ port: 81 \}$/m);
    assert.deepEqual(await resources.apply([file("other.yaml", service("c"))], ann, run), { changes: [] });
    const { resources: all } = await resources.journal.state();
    assert.deepEqual(
      [...all.values()].map((one) => [one.name, one.resourceVersion, one.file, one.line]),
      [
        ["a", 2, "a.yaml", 1],
        ["b", 1, "a.yaml", 5],
        ["c", 2, "c.yaml", 1],
      ],
    );
  });

  test("changes nothing when anything is wrong, and says all that is, where it was written", async () => {
    await resources.apply([file("a.yaml", service("a"))], ann, run);
    const route = `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r }\nspec:\n  parentRefs: [{ kind: Service, group: "", name: nowhere }]\n`;
    const files = [
      file("x.yaml", service("b"), service("c").replace("port", "prot"), route),
      file("y.yaml", service("b"), "kind: [\n"),
    ];
    await assert.rejects(resources.apply(files, ann, run), (error) => {
      assert.ok(error instanceof FaultsError, String(error));
      assert.deepEqual(
        error.problems.map((one) => `${one.file}:${String(one.line)} ${one.message.slice(0, 28)}`),
        [
          "x.yaml:9 required field is missing",
          "x.yaml:9 unknown field (did you mean ",
          "y.yaml:3 there is another Service b (",
          "y.yaml:7 YAML: Flow sequence in block",
        ],
      );
      return true;
    });
    assert.deepEqual(Object.keys(await texts()), ["Service/a"]);
    assert.equal(await store.version("resources"), 1);
  });

  test("however large it is, is made whole", async () => {
    const many = Array.from({ length: 1_000 }, (_, i) =>
      service(`s${String(i)}`, 80).replace("}", `, annotations: { note: ${"x".repeat(1_500)} } }`),
    );
    const outcome = await resources.apply([file("a.yaml", ...many)], ann, run);
    assert.deepEqual([outcome.revision, outcome.changes.length], [1, 1_000]);
    const reopened = await Journal.open(store);
    assert.equal((await reopened.state()).resources.size, 1_000);
    const [revision] = await reopened.latest(1);
    assert.deepEqual([revision?.author, revision?.changes], ["ann", outcome.changes]);
    await resources.rollback(0, bob, run);
    assert.deepEqual(await texts(), {});
  });

  test("as a dry run changes nothing", async () => {
    const outcome = await resources.apply([file("a.yaml", service("a"))], ann, { dryRun: true });
    assert.deepEqual([outcome.revision, outcome.changes.length], [undefined, 1]);
    assert.equal(await store.version("resources"), 0);
  });

  test("many at once are all made, one after another", async () => {
    const names = Array.from({ length: 10 }, (_, i) => `s${String(i)}`);
    const outcomes = await Promise.all(names.map((name) => resources.apply([file("a.yaml", service(name))], ann, run)));
    assert.deepEqual(
      outcomes.map(({ revision }) => revision),
      names.map((_, i) => i + 1),
    );
    assert.deepEqual(
      Object.keys(await texts()),
      names.map((name) => `Service/${name}`),
    );
  });

  test("decides again when another control plane was faster", async () => {
    const other = new Resources(await Journal.open(store), check);
    let calls = 0;
    const slow = new Resources(resources.journal, async (source) => {
      if (calls++ === 0) await other.apply([file("b.yaml", service("b"))], bob, run);
      return check(source);
    });
    const outcome = await slow.apply([file("a.yaml", service("a"))], ann, run);
    assert.deepEqual([calls, outcome.revision], [2, 2]);
    assert.deepEqual(Object.keys(await texts()), ["Service/b", "Service/a"]);
  });

  test("does not overwrite what was changed since, and says who did it", async () => {
    await resources.apply([file("a.yaml", service("a"), service("b"))], ann, run);
    await resources.apply([file("a.yaml", service("a", 81))], bob, run);
    await assert.rejects(resources.apply([file("a.yaml", service("a", 82))], ann, { ...run, base: 1 }), (error) => {
      assert.ok(error instanceof StaleError, String(error));
      const time = "2026-01-01T00:00:00.000Z";
      assert.deepEqual(error.conflicts, [
        { resource: "Service/a", revision: 2, author: "bob", time, message: "why not" },
      ]);
      return true;
    });
    assert.equal((await resources.apply([file("a.yaml", service("b", 82))], ann, { ...run, base: 1 })).revision, 3);
    await resources.delete(["Service/b"], bob, run);
    await assert.rejects(resources.apply([file("a.yaml", service("b", 83))], ann, { ...run, base: 3 }), StaleError);
  });
});

describe("history", () => {
  test("any revision is made again, and rollback makes it the latest", async () => {
    await resources.apply([file("a.yaml", service("a"))], ann, run);
    await resources.apply([file("a.yaml", service("a", 81), service("b"))], ann, run);
    await resources.delete(["Service/a"], bob, run);
    const all = [
      {},
      { "Service/a": service("a") },
      { "Service/a": service("a", 81), "Service/b": service("b") },
      { "Service/b": service("b") },
    ];
    for (const [revision, expected] of all.entries()) assert.deepEqual(await texts(revision), expected);
    assert.equal(await resources.journal.stateAt(4), undefined);
    const outcome = await resources.rollback(1, bob, run);
    assert.deepEqual(
      outcome.changes.map((one) => `${one.change} ${keyOf(one)}`),
      ["created Service/a", "deleted Service/b"],
    );
    assert.deepEqual(await texts(), all[1]);
    await assert.rejects(resources.rollback(9, bob, run), NotFoundError);
    await assert.rejects(resources.delete(["Service/b"], bob, run), NotFoundError);
    const revisions = await resources.journal.revisions();
    assert.deepEqual(
      revisions.map(({ revision, author }) => `${String(revision)} ${author}`),
      ["1 ann", "2 ann", "3 bob", "4 bob"],
    );
  });

  test("goes by its numbers when the clock goes back", async () => {
    await resources.apply([file("a.yaml", service("a"))], ann, run);
    time -= 86_400_000;
    await resources.apply([file("a.yaml", service("a", 81))], ann, run);
    const revisions = await resources.journal.revisions();
    assert.deepEqual(
      revisions.map(({ revision, time: at }) => [revision, at.slice(0, 10)]),
      [
        [1, "2026-01-01"],
        [2, "2025-12-31"],
      ],
    );
    const reopened = await (await Journal.open(store)).state();
    assert.match(reopened.resources.get("Service/a")?.text ?? "", /81/);
  });
});

describe("files that resources name", () => {
  const module = (name: string): string =>
    `apiVersion: meshwright.dev/v1alpha1\nkind: WasmModule\nmetadata: { name: m }\nspec: { file: ${name} }\n`;
  const bytes = Buffer.alloc(2_500_000, "wasm");
  const sent = (text: string): AppliedFile => ({
    ...file("m.yaml", text),
    assets: new Map([["../build/m.wasm", bytes]]),
  });

  test("are kept with them, whatever their size, and sent once", async () => {
    await resources.apply([sent(module("../build/m.wasm"))], ann, run);
    const source = new JournalSource(resources.journal);
    const loaded = await loadFromSource(source);
    assert.ok(loaded.ok);
    assert.ok(
      bytes.equals(await source.read(loaded.model.wasmModules.get("m")?.filePath ?? "")),
      "the bytes are the same",
    );
    await resources.apply([file("m.yaml", `# again\n${module("../build/m.wasm")}`)], ann, run);
    assert.equal((await loadFromSource(source)).ok, true);
  });

  test("are not looked for on the machine of the control plane", async () => {
    for (const name of ["/etc/passwd", "../../etc/passwd", "__proto__", "constructor"]) {
      await assert.rejects(resources.apply([file("m.yaml", module(name))], ann, run), {
        name: "FaultsError",
        message: `m.yaml:4:15: spec.file: cannot read ${name} (not sent along): it was not sent along`,
      });
    }
  });
});

test("two owners of one resource are both named", async () => {
  await resources.apply([file("a.yaml", service("a"))], ann, run);
  const folder: Source = {
    name: "the folder mesh",
    list: () => Promise.resolve([{ path: "mesh/x.yaml", text: service("a"), owner: "the folder mesh" }]),
    readAssets: () => Promise.resolve(new Map()),
    read: () => Promise.reject(new Error("none")),
    watch: () => Promise.resolve(() => Promise.resolve()),
  };
  const problems = await check(new MergedSource([folder, new JournalSource(resources.journal)]));
  assert.deepEqual(
    problems.map(({ file: at, message }) => `${at}: ${message}`),
    ["a.yaml: Service a has two owners: the applied resources, and the folder mesh (mesh/x.yaml:3)"],
  );
});

test("a writer that is always too late gives up with the conflict", async () => {
  const late = new Proxy(store, {
    get: (target, key) =>
      key === "append"
        ? (stream: string, version: number) => Promise.reject(new ConflictError(stream, version, version + 1))
        : (Reflect.get(target, key) as (...values: unknown[]) => unknown).bind(target),
  });
  const journal = new Resources(await Journal.open(late), check);
  await assert.rejects(journal.apply([file("a.yaml", service("a"))], ann, run), ConflictError);
});
