import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { Collector, ModuleStore, type CollectorOptions } from "./index.ts";

const hour = 3_600_000;

let folder = "";
let store: ModuleStore;
let now = 0;
let used: string[] = [];
let unclear: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "meshwright-collect-"));
  store = new ModuleStore(folder);
  [now, used, unclear] = [0, [], []];
});
afterEach(() => rmSync(folder, { recursive: true }));

function collector(options: Partial<CollectorOptions> = {}): Collector {
  return new Collector({
    store,
    graceMs: 24 * hour,
    everyMs: hour,
    now: () => now,
    references: () => Promise.resolve({ by: new Map(used.map((sha256) => [sha256, ["a test"]])), unclear }),
    ...options,
  });
}

const put = (text: string): string => store.put(Buffer.from(text), `${text}.wasm`).sha256;
const there = (): string[] => store.list().map(({ sha256 }) => sha256);

/** Lets the collector look once an hour. */
async function pass(one: Collector, hours: number): Promise<void> {
  for (let i = 0; i < hours; i++) {
    now += hour;
    await one.collect();
  }
}

describe("a module that nothing refers to", () => {
  test("goes after the time of grace, counted from the first look at which nothing did", async () => {
    const [a, b] = [put("a"), put("b")];
    used = [a, b];
    const one = collector();
    await pass(one, 100);
    used = [b];
    // The look at which it was asked for by put() was long ago.
    await pass(one, 24);
    assert.deepEqual(there().includes(a), true);
    const { modules } = await one.look();
    assert.equal(modules.find(({ sha256 }) => sha256 === a)?.unusedMs, 23 * hour);
    await pass(one, 1);
    assert.deepEqual(there(), [b]);
    assert.equal(store.get(a), undefined);
  });

  test("is shown by a dry run, which changes nothing", async () => {
    const a = put("a");
    const one = collector({ graceMs: 0 });
    await one.collect();
    for (let i = 0; i < 2; i++) {
      const { modules } = await one.look();
      assert.deepEqual(modules, [
        { sha256: a, size: 1, from: ["a.wasm"], referredToBy: [], unusedMs: 0, isRemoved: true },
      ]);
    }
    assert.deepEqual(there(), [a]);
  });

  test("stays as long as somebody asks for it, as a sidecar of another control plane", async () => {
    const a = put("a");
    const one = collector();
    for (let i = 0; i < 100; i++) {
      store.get(a);
      await pass(one, 1);
    }
    assert.deepEqual(there(), [a]);
  });

  test("begins its time anew when something referred to it in between", async () => {
    const a = put("a");
    const one = collector();
    await pass(one, 24);
    used = [a];
    await pass(one, 1);
    used = [];
    await pass(one, 24);
    assert.deepEqual(there(), [a]);
    await pass(one, 1);
    assert.deepEqual(there(), []);
  });

  test("is not removed between its being asked for and its being referred to", async () => {
    const a = put("a");
    await collector().collect();
    let ask = (): void => undefined;
    const one = collector({
      graceMs: 0,
      references: () => {
        // A change is read while it is looked who refers to what.
        ask();
        return Promise.resolve({ by: new Map(), unclear: [] });
      },
    });
    ask = () => void store.get(a);
    await one.collect();
    assert.deepEqual(there(), [a]);
    ask = () => undefined;
    await one.collect();
    assert.deepEqual(there(), []);
  });

  test("stays while it is not known what something refers to, and when nobody can say", async () => {
    const a = put("a");
    const one = collector();
    unclear = ["a sidecar has what nobody knows"];
    await pass(one, 100);
    assert.deepEqual(there(), [a]);
    assert.deepEqual((await one.look()).unclear, unclear);
    const failing = collector({ references: () => Promise.reject(new Error("the store is gone")) });
    for (let i = 0; i < 100; i++) {
      now += hour;
      await assert.rejects(failing.collect(), /the store is gone/);
    }
    assert.deepEqual(there(), [a]);
  });

  test("stays where no time of grace is given", async () => {
    put("a");
    const one = collector();
    const never = new Collector({
      store,
      graceMs: undefined,
      references: () => Promise.resolve({ by: new Map(), unclear: [] }),
    });
    never.start();
    await never.collect();
    await one.stop();
    assert.equal(there().length, 1);
  });
});

describe("time", () => {
  test("of a process before counts, that between two processes does not", async () => {
    const a = put("a");
    await pass(collector(), 14);
    store = new ModuleStore(folder);
    // Ten years, by a clock that begins anew with each process.
    now = 87_600 * hour;
    const one = collector();
    // The first look of each process counts nothing, and in the first of all it was just kept: 12 and 11 hours.
    await pass(one, 12);
    assert.deepEqual(there(), [a]);
    await pass(one, 1);
    assert.deepEqual(there(), []);
  });

  test("after failures counts for two looks at most, since nobody knows what was meanwhile", async () => {
    const a = put("a");
    const one = collector();
    await pass(one, 2);
    now += 1000 * hour;
    await one.collect();
    assert.deepEqual(there(), [a]);
  });

  test("is not that of a clock which is set", async () => {
    put("a");
    const one = new Collector({
      store,
      graceMs: hour,
      references: () => Promise.resolve({ by: new Map(), unclear: [] }),
    });
    await one.collect();
    await one.collect();
    for (const date of [Date.UTC(2100, 0), Date.UTC(1990, 0), Date.UTC(2200, 0)]) {
      mock.timers.enable({ apis: ["Date"], now: date });
      try {
        await one.collect();
      } finally {
        mock.timers.reset();
      }
    }
    assert.equal(there().length, 1);
  });
});

describe("the folder", () => {
  test("of a process that is killed at any moment has only whole modules, and those that are referred to", async () => {
    const file = new URL("testdata/churn.ts", import.meta.url).pathname;
    for (const afterMs of [20, 90, 200]) {
      const child = spawn(process.execPath, ["--import", "tsx", "--conditions=meshwright-source", file, folder], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "close");

      store = new ModuleStore(folder);
      const kept = createHash("sha256").update("kept").digest("hex");
      assert.ok(there().includes(kept));
      for (const sha256 of there()) assert.ok(store.get(sha256), sha256);
      assert.deepEqual(
        readdirSync(folder).filter((name) => !/^([0-9a-f]{64}\.wasm|modules\.json)$/.test(name)),
        [],
      );
      assert.doesNotThrow(() => JSON.parse(readFileSync(join(folder, "modules.json"), "utf8")) as unknown);
      used = [kept];
      await collector({ graceMs: 0 }).collect();
      await collector({ graceMs: 0 }).collect();
      assert.deepEqual(there(), [kept]);
    }
  });

  test("has a damaged file replaced, and a damaged catalog begun anew", async () => {
    const a = put("a");
    await pass(collector(), 20);
    writeFileSync(join(folder, `${a}.wasm`), "");
    writeFileSync(join(folder, "modules.json"), `{"${a}": {"unusedMs": `);
    store = new ModuleStore(folder);
    assert.equal(store.get(a), undefined);
    assert.equal(put("a"), a);
    store = new ModuleStore(folder);
    assert.deepEqual(store.get(a), Buffer.from("a"));
    await pass(collector(), 23);
    assert.deepEqual(there(), [a]);
  });
});
