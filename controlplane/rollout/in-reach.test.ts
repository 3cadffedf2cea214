import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh, source } from "./testdata/mesh.ts";

const spec = JSON.stringify({ waves: [{ bake: "10s" }] });

/** The version of the filter in each version that is in reach, by what it is to the Rollout. */
async function inReach(mesh: Mesh): Promise<Record<string, string>> {
  const found = await mesh.rollouts.versionsInReach();
  return Object.fromEntries(
    found.map(({ as, version }) => {
      const filter = version.resources[0]?.spec as { readonly configuration?: { readonly version: string } };
      assert.equal(version.resources[0]?.module, "a".repeat(64));
      return [as, filter.configuration?.version ?? ""];
    }),
  );
}

test("what is served and what a command brings back is in reach, also after a restart", async () => {
  const mesh = await Mesh.serving(source("v1", spec));
  assert.deepEqual(await inReach(mesh), { "the stable version": "v1" });

  assert.deepEqual(await mesh.adopt(source("v2", spec)), []);
  await mesh.pass(2);
  assert.deepEqual(await inReach(mesh), { "the stable version": "v1", "the version that its run brings": "v2" });
  assert.equal(await mesh.finish(), "Promoted");
  const promoted = { "the stable version": "v2", "the version before, to which undo goes back": "v1" };
  assert.deepEqual(await inReach(mesh), promoted);

  await mesh.kill();
  await mesh.start(source("v2", spec));
  assert.deepEqual(await inReach(mesh), promoted);
  await mesh.pass(31);
  assert.equal((await mesh.rollouts.undo("shop", "ann")).ok, true);
  assert.equal(await mesh.finish(), "Promoted");
  const undone = {
    "the stable version": "v1",
    "the version before, to which undo goes back": "v2",
  };
  assert.deepEqual(await inReach(mesh), undone);

  // Taken out of the source it can be put back, with its stable version.
  assert.deepEqual(await mesh.adopt(source("v3", spec, [])), []);
  assert.equal((await inReach(mesh))["the stable version"], "v1");
});

test("what was rolled back is in reach, since it is what the source says", async () => {
  const mesh = await Mesh.serving(source("v1", spec));
  mesh.behaviours["v2"] = { answer: "reject" };
  assert.deepEqual(await mesh.adopt(source("v2", spec)), []);
  assert.equal(await mesh.finish(), "RolledBack");
  assert.deepEqual(await inReach(mesh), { "the stable version": "v1", "the version that is held back": "v2" });
});
