import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { GrowthBook } from "@growthbook/growthbook";
import fc from "fast-check";
import { Envoys } from "../testing/filter.ts";

// The algorithms of other libraries: their own published cases, and their own code as the reference.

interface Range {
  readonly name: string;
  readonly weight: number;
}

const envoys = new Envoys("ab-routing");

/** A function from a user to the variant that the filter gives. */
async function filterFor(
  name: string,
  algorithm: string,
  variants: readonly Range[],
  salt = "",
): Promise<(user: string) => string> {
  const envoy = await envoys.start();
  const split = { key: [{ header: "x-user" }], algorithm, salt, variants };
  const worker = await envoy.worker({
    experiments: [{ name, header: "x-variant", default: variants[0]?.name, split }],
  });
  return (user) => worker.send({ headers: [["x-user", user]] }).request.headers?.get("x-variant") ?? "";
}

/** What GrowthBook's SDK gives, by version 2 of its hash. */
function growthBook(key: string, seed: string, variants: readonly Range[], user: string): string {
  const weights = variants.map(({ weight }) => weight / 10_000);
  const names = variants.map(({ name }) => name) as [string, string, ...string[]];
  const sdk = new GrowthBook({ attributes: { id: user } });
  return sdk.run({ key, seed, hashVersion: 2, variations: names, weights }).value;
}

test("growthbook: every user gets the variant that GrowthBook's SDK gives", async () => {
  const splits: Range[][] = [
    [
      { name: "a", weight: 5000 },
      { name: "b", weight: 5000 },
    ],
    [
      { name: "a", weight: 1 },
      { name: "b", weight: 9999 },
    ],
    [
      { name: "a", weight: 2000 },
      { name: "b", weight: 3000 },
      { name: "c", weight: 5000 },
    ],
  ];
  for (const variants of splits) {
    for (const [name, salt] of [
      ["checkout", ""],
      ["checkout", "2026"],
    ] as const) {
      const filter = await filterFor(name, "growthbook", variants, salt);
      fc.assert(
        fc.property(fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" }), (text) => {
          const user = `u${text}u`;
          assert.equal(filter(user), growthBook(name, salt || name, variants, user), user);
        }),
        { numRuns: 300 },
      );
    }
  }
});

interface Specification {
  readonly state: { readonly features: readonly { readonly name: string; readonly variants?: readonly Range[] }[] };
  readonly variantTests: readonly {
    readonly description: string;
    readonly toggleName: string;
    readonly context: { readonly userId?: string };
    readonly expectedResult: { readonly name: string; readonly enabled: boolean };
  }[];
}

test("unleash: the variants of Unleash's client specification", async () => {
  const path = createRequire(import.meta.url).resolve("@unleash/client-specification/specifications/08-variants.json");
  const specification = JSON.parse(await readFile(path, "utf8")) as Specification;
  let count = 0;
  for (const { description, toggleName, context, expectedResult } of specification.variantTests) {
    const feature = specification.state.features.find(({ name }) => name === toggleName);
    // Overrides by user are rules here; they have no part in the hash.
    if (!expectedResult.enabled || toggleName.includes("override") || context.userId === undefined) continue;
    const variants = (feature?.variants ?? []).map(({ name, weight }) => ({ name, weight }));
    const filter = await filterFor("any", "unleash", variants, toggleName);
    assert.equal(filter(context.userId), expectedResult.name, description);
    count++;
  }
  assert.equal(count, 10);
});
