// The filter ratelimit in real Envoys, with leases of the control plane: what a fleet lets pass, with skewed load, and when the
// control plane is gone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

const SIDECARS = 4;
const QUOTA = 60;

describe("leases", () => {
  let mesh: Mesh;
  const apps: Awaited<ReturnType<typeof startApp>>[] = [];
  let ports: number[] = [];

  before(async () => {
    await buildFilters(["ratelimit"]);
    for (let i = 0; i < SIDECARS; ++i) apps.push(await startApp("web"));
    mesh = await Mesh.create();
    ports = await freePorts(SIDECARS);
    const endpoints = ports.map((port, i) => ({
      address: "127.0.0.1",
      port: apps[i]?.port ?? 0,
      sidecar: { node: `web-${String(i)}`, address: "127.0.0.1", inboundPort: port },
    }));
    const resource = (kind: string, name: string, spec: object): object => ({
      apiVersion: "meshwright.dev/v1alpha1",
      kind,
      metadata: { name },
      spec,
    });
    const limit = (name: string, leases: object): object => ({
      name,
      scope: "fleet",
      gcra: { requests: 1, period: "1h", burst: 2 },
      key: [{ header: `x-${name}` }],
      missingKey: "skip",
      leases: { domain: "shop", names: ["client"], ...leases },
    });
    const quota = (name: string): object =>
      resource("Quota", name, {
        domain: "shop",
        bucket: { limit: name, client: "*" },
        requests: QUOTA,
        period: "1h",
        lease: "2s",
        onLoss: { policy: "Allow" },
      });
    mesh.write("ratelimit.wasm", readFileSync(join(root, "build", "ratelimit.wasm")));
    const resources = [
      resource("Service", "web", { port: 80, endpoints }),
      resource("WasmModule", "ratelimit", { file: "ratelimit.wasm" }),
      resource("FilterPolicy", "web-limits", {
        targetRefs: [{ kind: "Service", name: "web" }],
        module: "ratelimit",
        configuration: {
          limits: [
            limit("strict", { withoutLease: "deny" }),
            limit("local", {}),
            limit("open", { withoutLease: "allow" }),
          ],
        },
      }),
      quota("strict"),
      quota("local"),
      quota("open"),
    ];
    mesh.write("mesh.yaml", resources.map((one) => JSON.stringify(one)).join("\n---\n"));
    await mesh.startControlPlane();
    for (let i = 0; i < SIDECARS; ++i) await mesh.startSidecar(`web-${String(i)}`, "web");
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    for (const app of apps) await app.stop();
  });

  const ask = async (sidecar: number, header: string, client: string, agent?: Agent): Promise<number> =>
    (await get(ports[sidecar] ?? 0, "/", { headers: { [header]: client }, ...(agent && { agent }) })).status;

  /** Requests that pass in so many rounds, of which most go to the first sidecar. */
  async function skewed(header: string, client: string, rounds: number): Promise<number> {
    let passed = 0;
    for (let round = 0; round < rounds; ++round) {
      for (const sidecar of [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
        if ((await ask(sidecar, header, client)) === 200) ++passed;
      await sleep(50);
    }
    return passed;
  }

  test("the fleet lets pass what the quota has, and hardly less, where most of the load is on one sidecar", async () => {
    const passed = await skewed("x-strict", "a", 80);
    assert.ok(passed <= QUOTA, `${String(passed)} of ${String(QUOTA)}`);
    assert.ok(passed >= QUOTA * 0.8, `${String(passed)} of ${String(QUOTA)}`);
  });

  test("each client has a quota of its own, and a name that is no UTF-8 does no harm", async () => {
    const clients = ["b", "\u00ff\u00fe", "x".repeat(5000)];
    for (const client of clients) {
      await ask(0, "x-strict", client);
      let status = 429;
      for (let i = 0; i < 40 && status === 429; ++i) {
        await sleep(50);
        status = await ask(0, "x-strict", client);
      }
      assert.equal(status, 200, client.slice(0, 10));
    }
  });

  test("while the control plane is gone, a lease goes on until it is over, and then what withoutLease says", async () => {
    // Each worker has a lease of its own, and a connection one worker.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const here = (header: string, client: string): Promise<number> => ask(0, header, client, agent);
    const passes = async (): Promise<number> => {
      let status = 429;
      for (let i = 0; i < 200 && status === 429; ++i) {
        await sleep(50);
        status = await here("x-strict", "c");
      }
      return status;
    };
    for (const header of ["x-strict", "x-local", "x-open"]) await here(header, "c");
    assert.equal(await passes(), 200);
    await mesh.controlPlane?.stop("SIGKILL");
    assert.equal(await here("x-strict", "c"), 200, "the lease goes on");
    await sleep(2500);
    assert.equal(await here("x-strict", "c"), 429);
    assert.equal(await here("x-open", "c"), 200);
    // The first of the two was used before the first lease came.
    assert.deepEqual(
      [await here("x-local", "d"), await here("x-local", "d"), await here("x-local", "d")],
      [200, 200, 429],
    );
    await mesh.startControlPlane();
    assert.equal(await passes(), 200, "it comes back by itself");
    agent.destroy();
  });
});
