import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { formatRollouts } from "../cli/rollout/format.ts";
import { Mesh, source } from "../rollout/testdata/mesh.ts";
import type { Role } from "../security/index.ts";
import { handleRollouts } from "./rollouts.ts";
import type { RolloutsReport } from "./rollouts-report.ts";

const waves = [{ name: "canary", percentage: 10, bake: "30s" }, { bake: "30s" }];
const spec = JSON.stringify({ waves });

/** What the API answers to somebody of a role. */
async function asking<T>(
  mesh: Mesh,
  use: (ask: (method: string, path: string, role?: Role) => Promise<[number, unknown]>) => Promise<T>,
): Promise<T> {
  let role: Role = "viewer";
  const server = createServer((request, response) => {
    void handleRollouts(mesh.rollouts, { refused: [] }, { name: "ann", role }, request.url ?? "", request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await use(async (method, path, as = "viewer") => {
      role = as;
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/rollouts${path}`, { method });
      return [response.status, await response.json()];
    });
  } finally {
    server.close();
  }
}

test("the whole picture: waves, sidecars, what was measured, and why it went back", async () => {
  const mesh = await Mesh.serving(source("v1", spec));
  mesh.behaviours["v2"] = { errors: 0.02 };
  await mesh.adopt(source("v2", spec));
  await mesh.pass(20);
  await asking(mesh, async (ask) => {
    const [status, body] = await ask("GET", "");
    assert.equal(status, 200);
    const { rollouts } = body as RolloutsReport;
    const [shop] = rollouts;
    assert.ok(shop !== undefined && shop.run !== null);
    const { run } = shop;
    assert.equal(shop.state, "Progressing");
    assert.deepEqual(
      run.waves.map(({ name, state, sidecars, running }) => [name, state, sidecars, running]),
      [
        ["canary", "Baking", 1, 1],
        [null, "Pending", 10, 1],
      ],
    );
    assert.equal(run.sidecars.filter(({ version, wave }) => version === "new" && wave === 1).length, 1);
    assert.match(formatRollouts(body as RolloutsReport).join("\n"), /1 canary +\[#{24}\] +1\/1 +Baking/);
    mesh.behaviours["v2"] = { errors: 0.5 };
    await mesh.finish();
    const after = (await ask("GET", "/shop"))[1] as RolloutsReport["rollouts"][number] | undefined;
    assert.ok(after !== undefined && after.run !== null);
    assert.equal(after.state, "Held");
    assert.equal(after.run.reason?.kind, "Worse");
    assert.equal(after.run.touched, 1);
    const errors = after.run.evidence?.checks.find(({ name }) => name === "Errors");
    assert.ok(errors?.bad && errors.watched.of > 0 && errors.control.of === 0);
    const text = formatRollouts({ now: "", rollouts: [after] }).join("\n");
    assert.match(text, /^shop {2}Held {2}\(FilterPolicy authz\)\n {2}run 1 was rolled back: Errors: [\d.]+ %/);
    const history = (await ask("GET", "/shop/history"))[1] as { runs: unknown[]; events: { text: string }[] };
    assert.equal(history.runs.length, 1);
    assert.match(history.events.map((event) => event.text).join("\n"), /all have the old version again/);
  });
});

test("commands need the role operator, are done once, and say what they did", async () => {
  const mesh = await Mesh.serving(source("v1", spec));
  await mesh.adopt(source("v2", spec));
  await mesh.pass(3);
  await asking(mesh, async (ask) => {
    assert.equal((await ask("POST", "/shop/pause"))[0], 403);
    assert.equal((await ask("GET", "/shop/pause", "operator"))[0], 405);
    const [status, body] = await ask("POST", "/shop/pause", "operator");
    assert.equal(status, 200);
    assert.deepEqual((body as { done: string[] }).done, ["paused by ann: asked for"]);
    const [again, why] = await ask("POST", "/shop/pause", "operator");
    assert.deepEqual([again, why], [409, { error: "run 1 of Rollout shop is paused already" }]);
    assert.equal((await ask("POST", "/none/pause", "operator"))[0], 404);
    assert.equal((await ask("POST", "/shop/jump", "operator"))[0], 404);
    assert.equal((await ask("POST", "/shop/abort", "operator"))[0], 200);
    assert.deepEqual(mesh.versions, { v1: 10 });
  });
});
