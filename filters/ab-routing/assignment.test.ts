import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import xxhash from "xxhash-wasm";
import { Envoys, type Worker } from "../testing/filter.ts";

// Who gets which variant: the mapping that README.md documents, worked out with another implementation of XXH64, and what
// follows from it for users.

const hasher = await xxhash();
const KEYS = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);

interface Range {
  readonly name: string;
  readonly weight: number;
}

const envoys = new Envoys("ab-routing");

async function start(name: string, salt: string, variants: readonly Range[]): Promise<Worker> {
  const envoy = await envoys.start();
  const split = { key: [{ header: "x-user" }], salt, variants };
  return envoy.worker({ experiments: [{ name, header: "x-variant", default: variants[0]?.name, split }] });
}

function variantOf(worker: Worker, key: string | Uint8Array): string {
  return worker.send({ headers: [["x-user", key]] }).request.headers?.get("x-variant") ?? "";
}

/** The place of a key, as README.md says. */
function place(name: string, salt: string, key: Uint8Array): number {
  const hash = hasher.h64Raw(key, hasher.h64(`${salt}\0${name}`));
  return Number(((hash >> 32n) * 10_000n) >> 32n);
}

function expected(at: number, variants: readonly Range[]): string {
  let end = 0;
  for (const { name, weight } of variants) if (at < (end += weight)) return name;
  throw new Error(`no variant has place ${at}`);
}

/** The deviation of counts from what is expected of them. */
function chiSquare(counts: readonly number[], expectation: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - (expectation[i] ?? 0)) ** 2 / (expectation[i] ?? 1), 0);
}

test("the variant of a key can be worked out elsewhere", async () => {
  const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
  const weights = fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 6 });
  const keys = fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(names, fc.string(), weights, keys, async (name, salt, cuts, all) => {
      const sorted = [0, ...cuts.toSorted((a, b) => a - b), 10_000];
      const variants = sorted.slice(1).map((cut, i) => ({ name: `v${i}`, weight: cut - (sorted[i] ?? 0) }));
      const worker = await start(name, salt, variants);
      for (const key of all) assert.equal(variantOf(worker, key), expected(place(name, salt, key), variants));
    }),
    { numRuns: 30 },
  );
});

test("growing a variant moves only users to it, and as few as the weights ask for", async () => {
  const at = async (weight: number): Promise<string[]> => {
    const worker = await start("grow", "", [
      { name: "new", weight },
      { name: "old", weight: 10_000 - weight },
    ]);
    return KEYS.map((key) => variantOf(worker, key));
  };
  let before = await at(1000);
  for (const weight of [1001, 2000, 5000, 9999, 10_000]) {
    const grown = await at(weight);
    KEYS.forEach((key, i) => {
      if (before[i] === "new") assert.equal(grown[i], "new", `${key} at ${weight}`);
    });
    before = grown;
  }
  assert.ok(before.every((variant) => variant === "new"));
});

test("users are spread as the weights say", async () => {
  const variants = [
    { name: "a", weight: 100 },
    { name: "b", weight: 900 },
    { name: "c", weight: 4000 },
    { name: "d", weight: 5000 },
  ];
  for (const salt of ["", "1", "2", "3"]) {
    const worker = await start("spread", salt, variants);
    const counts = new Map(variants.map(({ name }) => [name, 0]));
    for (const key of KEYS) {
      const name = variantOf(worker, key);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const expectation = variants.map(({ weight }) => (KEYS.length * weight) / 10_000);
    // Three degrees of freedom; the keys are fixed, so this either always holds or never.
    assert.ok(chiSquare([...counts.values()], expectation) < 16.27, `salt "${salt}": ${[...counts.values()].join()}`);
  }
});

test("experiments, and salts of one experiment, do not depend on one another", async () => {
  const half = [
    { name: "a", weight: 5000 },
    { name: "b", weight: 5000 },
  ];
  const workers = [
    await start("first", "", half),
    await start("second", "", half),
    await start("first", "again", half),
  ];
  const variants = workers.map((worker) => KEYS.map((key) => variantOf(worker, key)));
  for (const [x, y] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const counts = new Map<string, number>();
    KEYS.forEach((_, i) => {
      const both = `${variants[x]?.[i]}${variants[y]?.[i]}`;
      counts.set(both, (counts.get(both) ?? 0) + 1);
    });
    assert.equal(counts.size, 4);
    assert.ok(
      chiSquare([...counts.values()], Array<number>(4).fill(KEYS.length / 4)) < 16.27,
      JSON.stringify([...counts]),
    );
  }
});
