import assert from "node:assert/strict";
import { test } from "node:test";
import { describe as sentenceOf } from "./describe.ts";
import { Mesh, source } from "./testdata/mesh.ts";

const spec = JSON.stringify({ waves: [{ percentage: 10, bake: "10s" }, { bake: "10s" }] });

/** A mesh with v1, whose source says v2, and a pre-check that ends when it is told to. */
async function trying(): Promise<{ mesh: Mesh; tried: string[]; end: (findings: readonly string[] | Error) => void }> {
  const mesh = new Mesh();
  const tried: string[] = [];
  let end: (findings: readonly string[] | Error) => void = () => undefined;
  mesh.preCheck = (version, content) => {
    assert.equal(content.model.filterPolicies.size, 1);
    tried.push((version.resources[0]?.spec as { configuration: { version: string } }).configuration.version);
    return new Promise((resolve, reject) => {
      end = (findings) => (findings instanceof Error ? reject(findings) : resolve(findings));
    });
  };
  await mesh.serve(source("v1", spec));
  assert.deepEqual(await mesh.adopt(source("v2", spec)), []);
  return { mesh, tried, end: (findings) => end(findings) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a version is tried before anybody gets it, once, and then goes out", async () => {
  const { mesh, tried, end } = await trying();
  await mesh.pass(120);
  assert.deepEqual(tried, ["v2"]);
  assert.deepEqual(mesh.everSent("v2"), []);
  end([]);
  await settled();
  assert.equal(await mesh.finish(), "Promoted");
  assert.deepEqual(tried, ["v2"]);
  assert.deepEqual(mesh.versions, { v2: 10 });
});

for (const [what, findings, message] of [
  ["what speaks against it", ["it leaks", "it traps"], "it leaks; it traps"],
  ["that it could not be tried", new Error("no room"), "it could not be tried: no room"],
] as const) {
  test(`${what} ends the run, and no sidecar was touched`, async () => {
    const { mesh, tried, end } = await trying();
    await mesh.pass(2);
    end(findings);
    await settled();
    assert.equal(await mesh.finish(), "RolledBack");
    assert.deepEqual(mesh.everSent("v2"), []);
    const { run } = mesh.rollouts.view("shop")?.record ?? {};
    assert.deepEqual([run?.reason?.kind, run?.reason?.message], ["PreCheck", message]);
    const events = await mesh.rollouts.log("shop");
    assert.deepEqual(
      events.slice(-3).map(({ type }) => type),
      ["Started", "RollingBack", "RolledBack"],
    );
    assert.match(events.map(sentenceOf).join("\n"), /rolling back \(failed its pre-check\): /);
    // By hand it is tried again, and nothing else is.
    await mesh.pass(60);
    assert.deepEqual(tried, ["v2"]);
    assert.equal((await mesh.rollouts.retry("shop", "ann")).ok, true);
    await mesh.pass(2);
    assert.deepEqual(tried, ["v2", "v2"]);
    end([]);
    await settled();
    assert.equal(await mesh.finish(), "Promoted");
  });
}

test("a restart while it is tried tries it again", async () => {
  const { mesh, tried, end } = await trying();
  await mesh.pass(2);
  await mesh.kill();
  await mesh.start(source("v2", spec));
  await mesh.pass(31);
  assert.deepEqual(tried, ["v2", "v2"]);
  assert.deepEqual(mesh.everSent("v2"), []);
  end([]);
  await settled();
  assert.equal(await mesh.finish(), "Promoted");
});

test("abort and promote need not wait for it, nor does an undo", async () => {
  const { mesh, tried } = await trying();
  await mesh.pass(2);
  assert.equal((await mesh.rollouts.command("shop", "abort", "ann")).ok, true);
  assert.equal(await mesh.finish(), "RolledBack");
  assert.equal((await mesh.rollouts.retry("shop", "ann")).ok, true);
  await mesh.pass(2);
  assert.equal((await mesh.rollouts.command("shop", "promote", "ann")).ok, true);
  assert.equal(await mesh.finish(), "Promoted");
  assert.deepEqual(tried, ["v2", "v2"]);
  assert.equal((await mesh.rollouts.undo("shop", "ann")).ok, true);
  assert.equal(await mesh.finish(), "Promoted");
  assert.deepEqual(tried, ["v2", "v2"]);
  assert.deepEqual(mesh.versions, { v1: 10 });
});
