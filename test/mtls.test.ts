// Mutual TLS between real sidecars, with certificates that the control plane issues and renews.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Authority, formatIdentity, readStateAuthority, type Identity } from "../controlplane/security/index.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { get, startApp, type Answer } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { serviceYaml } from "./support/services.ts";

describe("mutual TLS between sidecars", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  let caller: Awaited<ReturnType<typeof startApp>>;
  let inbound = 0;
  let outbound = 0;

  const write = (mtls: string): void =>
    mesh.write(
      "mesh.yaml",
      `${serviceYaml({ name: "web", port: caller.port, inboundPort: ports[0] ?? 0, outboundPort: outbound })}---
${serviceYaml({ name: "shop", port: app.port, inboundPort: inbound, more: `mtls: ${mtls}` })}---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: authz }
spec: { file: ${join(root, "build", "authz.wasm")} }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: authz }
spec:
  targetRefs: [{ name: shop }]
  direction: Inbound
  order: 1
  module: authz
  configuration:
    rules:
      - { name: web, action: allow, paths: [{ exact: /web }], principals: [{ peer: { exact: spiffe://cluster.local/ns/default/sa/web } }] }
      - { name: other, action: allow, paths: [{ exact: /other }], principals: [{ peer: { exact: spiffe://cluster.local/ns/default/sa/other } }] }
      - { name: open, action: allow, paths: [{ exact: /open }], principals: [{ any: true }] }
`,
    );
  let ports: number[] = [];
  const throughMesh = (path: string): Promise<Answer> =>
    get(outbound, path, { headers: { host: "shop", "x-forwarded-client-cert": "URI=spiffe://forged" } });
  /** The status of a plaintext request to the sidecar itself; 0 where there is no answer. */
  const plainly = async (path: string): Promise<number> => {
    try {
      return (await get(inbound, path)).status;
    } catch {
      return 0;
    }
  };
  /** The first line that the sidecar answers to a TLS client, empty where it does not. */
  const securely = async (identity: Identity | undefined, authority?: Authority): Promise<string> => {
    const own = readStateAuthority(mesh.state);
    assert.ok(own);
    const issuer = authority ?? (await Authority.load(own));
    const uri = identity && formatIdentity("cluster.local", identity);
    const pair = uri === undefined ? undefined : await issuer.issue({ uri, lifetimeMs: 60_000 });
    return new Promise((resolve) => {
      const credentials = pair === undefined ? {} : { cert: pair.certificate, key: pair.privateKey };
      const socket = connect({
        port: inbound,
        host: "127.0.0.1",
        ca: own.certificate,
        checkServerIdentity: () => undefined,
        ...credentials,
      });
      let text = "";
      socket.on("secureConnect", () => socket.write("GET /open HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n"));
      socket.setEncoding("utf8").on("data", (data: string) => (text += data));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text.split("\r\n")[0] ?? ""));
    });
  };
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    const end = Date.now() + 30_000;
    while (!(await condition())) {
      assert.ok(Date.now() < end, `not in 30 s:\n${mesh.controlPlane?.output ?? ""}`);
      await sleep(50);
    }
  };

  before(async () => {
    await filterModule("authz");
    [app, caller] = await Promise.all([startApp("shop"), startApp("web")]);
    mesh = await Mesh.create({ serve: ["--workload-lifetime", "6s"] });
    ports = await freePorts(3);
    [, inbound = 0, outbound = 0] = ports;
    write("Permissive");
    await mesh.startControlPlane();
    await Promise.all([mesh.startSidecar("web-1", "web"), mesh.startSidecar("shop-1", "shop")]);
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    await Promise.all([app.stop(), caller.stop()]);
  });

  test("permissive: the mesh speaks TLS and the filter sees who calls; plaintext is taken, and is nobody", async () => {
    assert.equal((await throughMesh("/web")).status, 200);
    assert.ok((await throughMesh("/other")).status >= 401);
    assert.equal(await plainly("/open"), 200);
    assert.ok((await plainly("/web")) >= 401);
    assert.ok(
      ((await mesh.envoys.get("shop-1")?.stat("listener.127.0.0.1_" + String(inbound) + ".ssl.handshake")) ?? 0) > 0,
    );
  });

  test("the application is told who calls, and what the caller claims of it is dropped", async () => {
    const { headers } = JSON.parse((await throughMesh("/web")).body) as { headers: Record<string, string> };
    assert.match(headers["x-forwarded-client-cert"] ?? "", /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/web/);
    assert.doesNotMatch(headers["x-forwarded-client-cert"] ?? "", /forged/);
  });

  test("strict: no request is lost on the way there; then plaintext is refused, and so is who is not of the mesh", async () => {
    const load = new Load(outbound, "/web", { headers: { host: "shop" } });
    write("Strict");
    await until(async () => (await plainly("/open")) === 0);
    assert.deepEqual([...new Set((await load.stop()).map(({ status }) => status))], [200]);

    const stranger = await Authority.load(await Authority.create("cluster.local"));
    assert.match(await securely({ kind: "service", service: "web" }), /^HTTP\/1\.1 200/);
    assert.equal(await securely({ kind: "service", service: "web" }, stranger), "");
    assert.equal(await securely(undefined), "");
    // What a sidecar shows to its control plane is no pass to other sidecars; nor is the control plane's own.
    assert.equal(await securely({ kind: "sidecar", service: "web", node: "web-1" }), "");
    assert.equal(await securely({ kind: "role", role: "admin" }), "");
  });

  test("certificates are renewed under load, and no request is lost", async () => {
    const rotations = async (): Promise<number> =>
      (await mesh.envoys.get("shop-1")?.stat("sds.workload.key_rotation_failed")) ?? -1;
    // The sidecar acknowledges a certificate once it uses it.
    const updates = (): number => mesh.controlPlane?.output.split("web-1 accepted secret workload").length ?? 0;
    const from = updates();
    const load = new Load(outbound, "/web", { headers: { host: "shop", connection: "close" } });
    await until(() => Promise.resolve(updates() >= from + 2));
    assert.deepEqual([...new Set((await load.stop()).map(({ status }) => status))], [200]);
    assert.equal(await rotations(), 0);
  });

  test("no key and no token is in the log, the status, or Envoy's dump", async () => {
    const key = readFileSync(join(mesh.state, "authority", "ca.key"), "utf8").split("\n")[1] ?? "";
    const dump = (await mesh.envoys.get("shop-1")?.admin("/config_dump?include_eds")) ?? "";
    assert.match(dump, /spiffe:\/\/cluster\.local\/ns\//);
    for (const text of [mesh.controlPlane?.output ?? "", await mesh.api("/api/v1/status"), dump]) {
      assert.doesNotMatch(text, /BEGIN [A-Z ]*PRIVATE KEY|mw_[0-9a-f]{16}_/);
      assert.ok(!text.includes(key));
    }
  });
});
