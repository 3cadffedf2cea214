import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { createSecureServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Authority } from "../controlplane/security/index.ts";
import { get, startApp } from "./support/http.ts";
import { InjectedSidecar } from "./support/injected-sidecar.ts";
import { Mesh } from "./support/mesh.ts";
import { until } from "./support/until.ts";

test("an injected sidecar gets its configuration, is ready with it, passes probes on, and drains", async (t) => {
  const app = await startApp("web");
  const mesh = await Mesh.create({ isSecure: false });
  t.after(async () => {
    await mesh.stop();
    await app.stop();
  });
  await mesh.startControlPlane();
  const sidecar = await InjectedSidecar.start({
    ...{ name: "web-5d4f-x7", namespace: "shop", xdsPort: mesh.xdsPort, httpPort: mesh.httpPort },
    annotations: { "meshwright.dev/redirect": "true" },
    container: {
      ports: [{ name: "web", containerPort: app.port }],
      livenessProbe: { httpGet: { path: "/live?deep=1", port: "web" } },
    },
  });
  t.after(() => sidecar.envoy.stop());
  const { inbound, readiness, admin } = sidecar.ports;
  const status = (path: string): Promise<number | undefined> =>
    get(readiness, path).then(
      (answer) => answer.status,
      () => undefined,
    );
  // The control plane does not know it yet, so it is not ready: Envoy does not listen before that.
  await until(async () => (await get(admin, "/ready").catch(() => undefined))?.status === 503, 20_000);
  assert.equal(await status("/ready"), undefined);

  mesh.write(
    "service.yaml",
    `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web.shop }
spec:
  port: 80
  endpoints:
    - address: 127.0.0.1
      port: ${app.port}
      sidecar: { node: web-5d4f-x7.shop, inboundPort: ${inbound} }
`,
  );
  await until(async () => (await status("/ready")) === 200, 30_000);
  assert.equal((await get(inbound, "/hello")).status, 200);
  // Nothing else of the admin interface is shown to everybody.
  assert.equal(await status("/config_dump"), 404);

  const probe = (sidecar.pod.spec.containers[0] as unknown as { livenessProbe: { httpGet: object } }).livenessProbe;
  assert.deepEqual(probe.httpGet, { path: "/probes/app/livenessProbe", port: readiness });
  const answer = await get(readiness, "/probes/app/livenessProbe");
  assert.equal(answer.status, 200);
  assert.match(answer.body, /\/live\?deep=1/);
  assert.equal((await get(readiness, "/probes/app/livenessProbe", { method: "POST" })).status, 404);

  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  assert.notEqual((await get(inbound, "/hello", { agent })).headers["connection"], "close");
  assert.match(await sidecar.preStop(), /^0 HTTP\/1\.1 200 OK[^]*OK/);
  // Clients are told to go elsewhere, and are still served.
  await until(async () => {
    const { status: code, headers } = await get(inbound, "/hello", { agent });
    assert.equal(code, 200);
    return headers["connection"] === "close";
  }, 20_000);
});

test("an injected sidecar shows its token, and the new one when Kubernetes renews it", async (t) => {
  const root = await Authority.create("cluster.local");
  const authority = await Authority.load(root);
  const other = await Authority.load(await Authority.create("cluster.local"));
  const uri = "spiffe://cluster.local/meshwright/control-plane";
  const good = await authority.issue({ uri, lifetimeMs: 3_600_000 });
  const notTrusted = await other.issue({ uri, lifetimeMs: 3_600_000 });
  const ofAnother = await authority.issue({ uri: "spiffe://cluster.local/ns/default/sa/web", lifetimeMs: 3_600_000 });
  const seen: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({ cert: notTrusted.certificate, key: notTrusted.privateKey });
  server.on("session", (session) => sessions.add(session));
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const [path = "", token = "none"] = [headers[":path"], headers["meshwright-token"]].map(String);
    if (path.endsWith("DeltaAggregatedResources")) seen.push(token);
  });
  const port = await listening(server);
  const folder = mkdtempSync(join(tmpdir(), "meshwright-token-"));
  const tokenFolder = join(folder, "volume");
  mkdirSync(tokenFolder);
  const sidecar = await InjectedSidecar.start({
    ...{ name: "web-1", namespace: "shop", xdsPort: port, httpPort: port, trust: root.certificate, tokenFolder },
  });
  t.after(async () => {
    await sidecar.envoy.stop();
    for (const session of sessions) session.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const secret = sidecar.pod.metadata?.annotations?.["meshwright.dev/token-secret"] ?? "";
  project(tokenFolder, "1", {
    token: "first",
    "token-secret.json": secret.replaceAll("/var/run/meshwright", tokenFolder),
  });

  // To who is no control plane, the token is not sent.
  let refused = 0;
  server.on("tlsClientError", () => refused++);
  await until(() => refused > 0, 20_000);
  const before = refused;
  server.setSecureContext({ cert: ofAnother.certificate, key: ofAnother.privateKey });
  await until(() => refused > before, 20_000);
  assert.equal(seen.length, 0);

  server.setSecureContext({ cert: good.certificate, key: good.privateKey });
  await until(() => seen.length > 0, 30_000);
  assert.equal(seen[0], "first");
  project(tokenFolder, "2", {
    token: "second",
    "token-secret.json": secret.replaceAll("/var/run/meshwright", tokenFolder),
  });
  await until(() => {
    for (const session of sessions) session.destroy();
    sessions.clear();
    return seen.includes("second");
  }, 30_000);
});

/** Writes files as the kubelet does: into a new folder, to which a link is then moved. */
function project(folder: string, version: string, files: Readonly<Record<string, string>>): void {
  const target = join(folder, `..${version}`);
  mkdirSync(target);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(target, name), content);
    try {
      symlinkSync(join("..data", name), join(folder, name));
    } catch {
      // From the version before.
    }
  }
  symlinkSync(`..${version}`, join(folder, "..next"));
  renameSync(join(folder, "..next"), join(folder, "..data"));
}

async function listening(server: Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
