// What becomes of a Rollout of two control planes over real Envoys under constant requests, in the midst of a wave: the control plane that leads is cut off;
// etcd's leader is killed, and then there is no majority. `npm run test:rollouts:etcd`. Not part of npm test: on a machine that is busy, three members of etcd lose their leader by themselves.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Load } from "../support/load.ts";
import { NODES, ReplicatedFleet } from "../support/rollouts/replicas.ts";
import { until } from "../support/until.ts";

/** How long there is no majority. */
const APART_MS = 10_000;

const fleet = await ReplicatedFleet.start(3);
try {
  // The control plane that leads is cut off from all, with its sidecars, while a bad version is out.
  const before = fleet.ports.map((port) => new Load(port, "/"));
  const { leader } = fleet;
  const survivor = 1 - leader;
  await fleet.ship({ mark: "bad", errorEvery: 10 }, survivor);
  await until(async () => ((await fleet.report(survivor)).run?.touched ?? 0) > 0, 60_000);
  fleet.plane(leader).controlPlane?.child.kill("SIGSTOP");
  process.stdout.write("a bad version is out; the control plane that leads is cut off\n");
  await until(async () => (await fleet.report(survivor)).run?.phase === "RolledBack", 120_000);
  fleet.plane(leader).controlPlane?.child.kill("SIGCONT");
  await until(async () => (await fleet.report(leader)).run?.phase === "RolledBack", 60_000);
  const { run } = await fleet.report(survivor);
  const given = run?.sidecars.filter(({ wave }) => wave !== null).map(({ node }) => node) ?? [];
  assert.ok(given.length <= 2, given.join());
  for (const [i, node] of NODES.entries()) {
    await fleet.untilMarked(i, "first");
    const marks = new Set((await before[i]?.stop())?.map(({ headers }) => headers["x-version"]));
    if (!given.includes(node)) assert.deepEqual([...marks], ["first"], node);
  }
  process.stdout.write(`the other undid it (${run?.reason?.title ?? "?"}); nobody beyond the wave had it\n`);

  const other = join(fleet.plane(0).folder, "other.yaml");
  const service = { kind: "Service", metadata: { name: "other" }, spec: { port: 80, endpoints: [] } };
  writeFileSync(other, JSON.stringify({ apiVersion: "meshwright.dev/v1alpha1", ...service }));
  const load = fleet.ports.map((port) => new Load(port, "/"));
  await fleet.ship({ mark: "next" }, 0);
  await until(async () => {
    const { run: next } = await fleet.report(0);
    return next?.number === 2 && next.touched > 0;
  }, 60_000);

  const { members } = fleet.etcd;
  const leads = await Promise.all(members.map((member) => member.isLeader()));
  const killed = members[leads.indexOf(true)] ?? assert.fail("no member leads");
  const frozen = members.find((member) => member !== killed) ?? assert.fail();
  await killed.kill();
  frozen.freeze();
  process.stdout.write("the first wave is out; etcd's leader is killed, another member is cut off\n");

  // Nothing can be kept, so nothing is done.
  const applied = fleet.plane(0).meshwright("apply", ["-f", other, ...fleet.reach(0)]);
  await assert.rejects(applied, /meshwright apply ended with [12]:/);
  await sleep(APART_MS);
  for (const i of fleet.planes.keys()) assert.equal((await fleet.report(i)).run?.touched, 2);

  frozen.thaw();
  await killed.begin();
  process.stdout.write("nothing moved; etcd is whole again\n");
  for (const i of fleet.planes.keys())
    await until(async () => (await fleet.report(i)).run?.phase === "Promoted", 180_000);
  assert.equal((await fleet.report(0)).run?.number, 2);
  let requests = 0;
  for (const [i, node] of NODES.entries()) {
    await fleet.untilMarked(i, "next");
    const answers = (await load[i]?.stop()) ?? [];
    assert.deepEqual([...new Set(answers.map(({ headers }) => headers["x-version"]))], ["first", "next"], node);
    assert.ok(
      answers.every(({ status }) => status === 200),
      node,
    );
    requests += answers.length;
  }
  process.stdout.write(`the wave went on, and the run was promoted; ${String(requests)} requests, none failed\n`);
} finally {
  await fleet.stop();
}
