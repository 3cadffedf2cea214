import assert from "node:assert/strict";
import { it } from "node:test";

import type { Translation } from "../translate/index.ts";
import { TypeUrl, type Snapshot } from "../xds/index.ts";
import type { Plan } from "./plan.ts";
import { composeServed } from "./served.ts";
import { MODULES, served, SETTINGS, source } from "./testdata/mesh.ts";
import { versionOf } from "./version.ts";

const making = {
  settings: SETTINGS,
  findModule: (sha256: string) => [...MODULES.values()].find((module) => module.sha256 === sha256),
};

function snapshotOf(translation: Translation | undefined): Snapshot {
  const { snapshot } = translation?.snapshotFor({ id: "n0", cluster: "shop" }) ?? {};
  assert.ok(snapshot !== undefined);
  return snapshot;
}

it("what a run does not change is made once for those who have the new version and those who have not", () => {
  const [before, desired] = [served(source("v1")), served(source("v2"))];
  const rollout = desired.model.rollouts.get("shop");
  assert.ok(rollout !== undefined);
  const version = ({ model, modules }: typeof desired): Plan["stable"] =>
    versionOf(rollout.spec.targetRefs, model, modules);
  const to = version(desired);
  const plans = new Map([["shop", { rollout, desired: to, stable: version(before), to }]]);

  const { value: first } = composeServed(desired, plans, making, undefined);
  const [old, fresh] = [snapshotOf(first?.base.translation), snapshotOf(first?.candidate("shop")?.translation)];
  for (const [typeUrl, set] of old.sets) {
    const other = fresh.sets.get(typeUrl);
    if (typeUrl === TypeUrl.extensionConfig) assert.notEqual(set.version, other?.version);
    else assert.deepEqual([...set.resources.values()], [...(other?.resources.values() ?? [])]);
    // The very same bytes, and not equal ones.
    if (typeUrl === TypeUrl.listener) assert.equal(set.resources.get("inbound"), other?.resources.get("inbound"));
  }

  const { value: again } = composeServed(desired, plans, making, first);
  assert.equal(snapshotOf(again?.base.translation), old);
});
