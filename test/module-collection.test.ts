import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pino } from "pino";
import { ControlPlane } from "../controlplane/control/index.ts";
import { MergedSource } from "../controlplane/source/index.ts";
import { openStore } from "../controlplane/store/index.ts";
import { Etcd, withoutEtcd } from "./support/etcd.ts";
import { probeModule, withNote } from "./support/probe.ts";
import { until } from "./support/until.ts";

const probe = await probeModule();
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("control planes that share nothing but etcd", { skip: withoutEtcd() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-collections-"));
  const one = withNote(probe, "one");
  const two = withNote(probe, "two");
  let etcd: Etcd;
  let server: Server;
  let a: ControlPlane;
  let b: ControlPlane;

  before(async () => {
    etcd = await Etcd.start();
    server = createServer((request, response) => response.end(request.url === "/one.wasm" ? one : two));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    [a, b] = await Promise.all([start("a"), start("b")]);
  });
  after(async () => {
    await Promise.all([a.close(), b.close()]);
    server.close();
    server.closeAllConnections();
    await etcd.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(name: string): Promise<ControlPlane> {
    const url = `${etcd.hosts[0]?.replace("http", "etcd") ?? ""}/mesh`;
    return ControlPlane.start({
      source: new MergedSource([]),
      stateFolder: join(folder, name),
      store: await openStore({ folder: join(folder, name), url }),
      isStoreShared: true,
      moduleGraceMs: 1,
      moduleRevisions: 2,
      xds: { host: "127.0.0.1", port: 0 },
      http: { host: "127.0.0.1", port: 0 },
      modulesCluster: "modules",
      log: pino({ enabled: false }),
    });
  }

  async function apply(over: ControlPlane, name: string, bytes: Uint8Array): Promise<void> {
    const { port } = server.address() as AddressInfo;
    const spec = { url: `http://127.0.0.1:${String(port)}/${name}.wasm`, sha256: hash(bytes) };
    const resource = {
      apiVersion: "meshwright.dev/v1alpha1",
      kind: "WasmModule",
      metadata: { name: "probe" },
      spec,
    };
    const file = { path: "probe.yaml", text: JSON.stringify(resource), assets: new Map<string, Uint8Array>() };
    await over.resources?.apply([file], { author: "ann", message: "" }, { dryRun: false });
  }

  const has = (plane: ControlPlane, bytes: Uint8Array): boolean =>
    plane.modules.list().some(({ sha256 }) => sha256 === hash(bytes));
  const serves = (plane: ControlPlane, bytes: Uint8Array): boolean =>
    plane.release?.modules.get("probe")?.sha256 === hash(bytes);

  async function collect(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await Promise.all([a, b].map((plane) => plane.collector.collect()));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  test("each keeps what the history of both reaches, and removes the rest", async () => {
    await apply(a, "one", one);
    await until(() => serves(a, one) && serves(b, one), 10_000);
    await apply(b, "two", two);
    await until(() => serves(a, two) && serves(b, two), 10_000);
    await collect();
    for (const plane of [a, b]) assert.ok(has(plane, one) && has(plane, two));

    // Without its server, one can go back to it over the other.
    server.close();
    server.closeAllConnections();
    await b.resources?.rollback(1, { author: "bob", message: "" }, { dryRun: false });
    await until(() => serves(a, one) && serves(b, one), 10_000);
    // Revisions 2 and 3 are kept, and what is served.
    await collect();
    for (const plane of [a, b]) assert.ok(has(plane, one) && has(plane, two));
    await b.resources?.delete(["WasmModule/probe"], { author: "bob", message: "" }, { dryRun: false });
    await until(() => [a, b].every((plane) => plane.release?.model.wasmModules.size === 0), 10_000);
    await collect();
    for (const plane of [a, b]) assert.deepEqual([has(plane, one), has(plane, two)], [true, false]);
  });

  test("the folder of one says nothing of that of the other", async () => {
    a.modules.put(withNote(probe, "only here"));
    await collect();
    for (const plane of [a, b]) assert.ok(!has(plane, withNote(probe, "only here")));
    assert.ok(has(a, one) && has(b, one));
  });
});
