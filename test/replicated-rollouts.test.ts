// Rollouts of several control planes on one etcd, as processes of their own, over real Envoys: the one that leads is killed while a bad filter is out.
// What becomes of them when etcd fails: `npm run test:rollouts:etcd`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { withoutEtcd } from "./support/etcd.ts";
import { Load } from "./support/load.ts";
import { NODES, ReplicatedFleet } from "./support/rollouts/replicas.ts";
import { until } from "./support/until.ts";

describe("two control planes on one etcd, with two Envoys each", { skip: withoutEtcd() ?? false }, () => {
  let fleet: ReplicatedFleet;

  before(async () => {
    fleet = await ReplicatedFleet.start();
  });
  after(() => fleet.stop());

  test("the leader is killed while a bad version is out: the other undoes it, and the sidecars beyond the wave never had it", async () => {
    const load = fleet.ports.map((port) => new Load(port, "/", {}, 5));
    const { leader } = fleet;
    assert.ok(leader >= 0);
    const survivor = 1 - leader;
    await fleet.ship({ mark: "bad", errorEvery: 10 }, survivor);
    await until(async () => ((await fleet.report(survivor)).run?.touched ?? 0) > 0, 20_000);
    await fleet.plane(leader).controlPlane?.stop("SIGKILL");
    fleet.turnTo(survivor);
    await until(async () => (await fleet.report(survivor)).run?.phase === "RolledBack", 60_000);
    const { run } = await fleet.report(survivor);
    assert.equal(run?.reason?.kind, "Worse", run?.reason?.message);
    assert.equal(run.touched, 2);
    const given = run.sidecars.filter(({ wave }) => wave !== null).map(({ node }) => node);
    for (const [i, node] of NODES.entries()) {
      await fleet.untilMarked(i, "first");
      const answers = await load[i]?.stop();
      const marks = new Set(answers?.map(({ headers }) => headers["x-version"]));
      if (!given.includes(node)) assert.deepEqual([...marks], ["first"], node);
    }
  });

  test("commands are done by whichever is asked, also after the killed one is back", async () => {
    const dead = fleet.planes.findIndex((plane) => plane.controlPlane?.isRunning !== true);
    const plane = fleet.plane(dead);
    await plane.startControlPlane();
    const at = fleet.reach(dead);
    assert.match(await plane.meshwright("rollout", ["retry", "faulty", ...at]), /run 2 starts/);
    assert.match(await plane.meshwright("rollout", ["abort", "faulty", ...at]), /rolling back/);
    await until(async () => (await fleet.report(dead)).run?.phase === "RolledBack", 30_000);
    assert.deepEqual((await fleet.report(1 - dead)).run?.number, 2);
  });
});
