// A bad filter never takes a fleet down: Rollouts over twelve real Envoys under traffic. All cases: `npm run test:rollouts`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertContained, settled, shipFault } from "./support/rollouts/contained.ts";
import { get } from "./support/http.ts";
import { over, ship } from "./support/rollouts/experiment.ts";
import { faults, filterWith, GOOD } from "./support/rollouts/faults.ts";
import { RolloutFleet } from "./support/rollouts/fleet.ts";
import { killAt, moments } from "./support/rollouts/kills.ts";
import { FIRST_WAVE, spec } from "./support/rollouts/spec.ts";
import { Traffic } from "./support/rollouts/traffic.ts";
import { until } from "./support/until.ts";

const FIRST = { configuration: { mark: "first" }, note: "first" };
const TOLD = ["traps", "503 for 2 %", "configuration refused in Envoy", "module answered with 503"];

describe("a Rollout over twelve Envoys under traffic", () => {
  let fleet: RolloutFleet;

  before(async () => {
    fleet = await RolloutFleet.start(FIRST, spec);
  });
  after(() => fleet.stop());

  test("brings a good version to all, and no request fails", async () => {
    const { phase, reason, touched, answers } = await ship(fleet, GOOD);
    assert.equal(phase, "Promoted", reason?.message);
    assert.deepEqual([...touched].sort(), [...fleet.nodes].sort());
    for (const [node, { failed, versions }] of answers) {
      assert.deepEqual([failed, [...versions.keys()]], [0, ["first", "good"]], node);
    }
  });

  for (const fault of faults.filter(({ name }) => TOLD.includes(name))) {
    test(`undoes a version with a fault: ${fault.name}`, async () => {
      await shipFault(fleet, fault);
    });
  }

  test("goes on to undo a version when the control plane was killed while it did, and no request fails", async () => {
    const [refused] = faults.filter(({ name }) => name === "configuration refused in Envoy");
    assert.ok(refused !== undefined);
    const run = ((await fleet.report()).run?.number ?? 0) + 1;
    const waiting = waitForRollout(fleet, (await fleet.report()).desired);
    const outcome = await ship(fleet, filterWith(refused), () => killAt(fleet, run, moments.undoing));
    assert.match(await waiting, /ended with 1:[^]*\nmeshwright: rolled back \(rejected by Envoy\): .*rejected it/);
    assert.equal(outcome.phase, "RolledBack");
    assert.equal(outcome.reason?.kind, "Rejected");
    await assertContained(fleet, outcome);
    for (const { failed } of outcome.answers.values()) assert.equal(failed, 0);
    await fleet.ship(GOOD);
    await settled(fleet);
  });

  test("goes on in the same wave when the control plane was killed, and no request fails", async () => {
    const run = ((await fleet.report()).run?.number ?? 0) + 1;
    const next = { configuration: { mark: "next" }, note: "next" };
    const waiting = waitForRollout(fleet, (await fleet.report()).desired);
    const { phase, reason, answers } = await ship(fleet, next, () => killAt(fleet, run, moments.secondSent));
    assert.match(await waiting, /wave 2 of 3: Updating\n[^]*Promoted after/);
    assert.equal(phase, "Promoted", reason?.message);
    for (const [node, { failed, versions }] of answers) {
      assert.deepEqual([failed, [...versions.keys()]], [0, ["good", "next"]], node);
    }
  });

  test("brings the first version of an EnvoyPatch to all, and undoes a bad one", async () => {
    const via = { operation: "Merge", value: { via: "patched" } };
    const traffic = new Traffic(fleet.ports, false);
    try {
      fleet.shipPatch(via, spec);
      const first = await over(fleet, 1, "patch");
      assert.equal(first.run?.phase, "Promoted", first.run?.reason?.message);
      for (const [node, port] of fleet.ports) assert.equal((await get(port, "/")).headers["via"], "patched", node);
      for (const [node, { failed }] of traffic.answers) assert.equal(failed, 0, node);
      const before = await listeners(fleet);

      fleet.shipPatch({ operation: "InsertFilter", value: abortsOneIn10, position: { type: "First" } }, spec);
      const { run } = await over(fleet, 2, "patch");
      assert.deepEqual([run?.phase, run?.reason?.kind], ["RolledBack", "Worse"]);
      assert.match(run?.reason?.message ?? "", /^Errors: [\d.]+ % of \d+ requests, others 0 %/);
      const answers = await traffic.stop();
      const touched = run?.sidecars.filter(({ wave }) => wave !== null).map(({ node }) => node) ?? [];
      assert.ok(touched.length <= FIRST_WAVE, touched.join());
      for (const node of fleet.nodes) assert.equal((answers.get(node)?.failed ?? 0) > 0, touched.includes(node), node);
      assert.deepEqual(await listeners(fleet), before);
      fleet.shipPatch(via, spec);
      await until(async () => (await fleet.report("patch")).state === "Settled", 30_000);
    } finally {
      await traffic.stop();
    }
  });
});

/** What a pipeline does: waits for a change of the source, and for what becomes of it. What is printed, also where it fails. */
async function waitForRollout({ mesh }: RolloutFleet, after: string): Promise<string> {
  const control = ["--http", `127.0.0.1:${String(mesh.httpPort)}`, "--insecure"];
  try {
    return await mesh.meshwright("rollout", ["wait", "faulty", "--after", after, "--timeout", "3m", ...control]);
  } catch (error) {
    return String(error);
  }
}

/** Envoy's own filter for faults. */
const abortsOneIn10 = {
  name: "envoy.filters.http.fault",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
    abort: { http_status: 503, percentage: { numerator: 10, denominator: "HUNDRED" } },
  },
};

/** What each Envoy has as its inbound listener, without the time at which it took that. */
async function listeners(fleet: RolloutFleet): Promise<ReadonlyMap<string, unknown>> {
  const dumps = new Map<string, unknown>();
  for (const node of fleet.nodes) {
    const dump = await fleet.envoy(node).admin("/config_dump?resource=dynamic_listeners");
    const withoutTimes = (key: string, value: unknown): unknown => (key === "last_updated" ? undefined : value);
    const { configs } = JSON.parse(dump, withoutTimes) as { configs: { active_state: unknown }[] };
    dumps.set(
      node,
      configs.map(({ active_state }) => active_state),
    );
  }
  return dumps;
}
