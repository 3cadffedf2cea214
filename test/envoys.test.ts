// What a sidecar lives through, in one piece: mutual TLS with certificates that are renewed, a change that it refuses in part, and a
// control plane that is killed. `npm run test:envoys` plays it with every supported Envoy in both variants of the protocol.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testedEnvoys } from "./support/envoys.ts";
import { get, startApp } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";
import { serviceYaml } from "./support/services.ts";
import { until } from "./support/until.ts";
import { updatesOf } from "./support/updates.ts";

const WAIT_MS = 60_000;
type App = Awaited<ReturnType<typeof startApp>>;
const protocols = process.env["MESHWRIGHT_ENVOYS"] === "all" ? (["delta", "sotw"] as const) : (["sotw"] as const);

for (const { title, binary } of testedEnvoys()) {
  for (const protocol of protocols) {
    describe(`${title}, ${protocol}`, () => {
      let mesh: Mesh;
      let app: App;
      let caller: App;
      let other: App;
      let inbound = 0;
      let outbound = 0;
      let callersInbound = 0;

      const write = (mark: string, { callersPort = callersInbound, more = "" } = {}): void =>
        mesh.write(
          "mesh.yaml",
          `${serviceYaml({ name: "web", port: caller.port, inboundPort: callersPort, outboundPort: outbound })}---
${serviceYaml({ name: "shop", port: app.port, inboundPort: inbound, more: "mtls: Strict" })}---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: probe }
spec: { file: probe.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: shop-probe }
spec:
  targetRefs: [{ kind: Service, name: shop }]
  module: probe
  configuration: { mark: ${mark} }
${more}`,
        );
      /** What the filter of shop wrote on the answer that web got. */
      const markSeen = async (): Promise<unknown> => {
        const { status, headers } = await get(outbound, "/", { headers: { host: "shop" } });
        return status === 200 ? headers["x-probe"] : status;
      };

      before(async () => {
        [app, caller, other] = await Promise.all([startApp("shop"), startApp("web"), startApp("other")]);
        mesh = await Mesh.create();
        [inbound = 0, outbound = 0, callersInbound = 0] = await freePorts(3);
        mesh.write("probe.wasm", await probeModule());
        write("one");
        await mesh.startControlPlane(["--workload-lifetime", "15s"]);
        const options = { protocol, binary: await binary() };
        await Promise.all([mesh.startSidecar("web-1", "web", options), mesh.startSidecar("shop-1", "shop", options)]);
        await mesh.untilReady();
      });
      after(async () => {
        await mesh.stop();
        await Promise.all([app, caller, other].map(({ stop }) => stop()));
      });

      test("sidecars speak TLS to one another, and no request is lost while certificates are renewed", async () => {
        assert.equal(await markSeen(), "one");
        await assert.rejects(get(inbound, "/"), "plaintext is refused");
        const renewed = (node: string): number =>
          mesh.controlPlane?.output.split(`${node} accepted secret workload`).length ?? 0;
        const [web, shop] = [renewed("web-1"), renewed("shop-1")];
        const load = new Load(outbound, "/", { headers: { host: "shop", connection: "close" } });
        await until(() => renewed("web-1") > web && renewed("shop-1") > shop, WAIT_MS);
        assert.deepEqual([...new Set((await load.stop()).map(({ status }) => status))], [200]);
      });

      test("what it refuses is shown with its message, and all else of the change arrives", async () => {
        const envoy = mesh.envoys.get("web-1");
        assert.ok(envoy);
        const more = `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: other }
spec: { port: 80, endpoints: [{ address: 127.0.0.1, port: ${String(other.port)} }] }
`;
        // The port is taken, which only Envoy can find out.
        write("two", { callersPort: envoy.adminPort, more });
        const report = await mesh.until("web-1", ({ state }) => state === "faulty");
        assert.match(report.rejections[0]?.type ?? "", /Listener/);
        assert.match(report.rejections[0]?.message ?? "", /address|bind/i);
        await envoy.until(async () => (await get(outbound, "/", { headers: { host: "other" } })).status === 200);
        await envoy.until(async () => (await markSeen()) === "two");
        write("two", { more });
        await mesh.until("web-1", ({ state, rejections }) => state === "ready" && rejections.length === 0);
      });

      test("the control plane is killed and comes back: nothing comes twice, and a change of meanwhile arrives", async () => {
        const envoys = [...mesh.envoys.values()];
        const earlier = await Promise.all(envoys.map(updatesOf));
        assert.ok((earlier[0]?.size ?? 0) > 0, "there are counters to compare");
        await mesh.controlPlane?.stop("SIGKILL");
        for (const envoy of envoys)
          await envoy.until(async () => (await envoy.stat("control_plane.connected_state")) === 0);
        // From here on certificates last longer than a control plane is away.
        await mesh.startControlPlane(["--workload-lifetime", "1h"]);
        for (const node of mesh.envoys.keys()) await mesh.until(node, ({ state }) => state === "ready", WAIT_MS);
        assert.deepEqual(await Promise.all(envoys.map(updatesOf)), earlier);

        const load = new Load(outbound, "/", { headers: { host: "shop" } });
        await mesh.controlPlane?.stop("SIGKILL");
        write("three");
        await mesh.startControlPlane();
        await until(async () => (await markSeen()) === "three", WAIT_MS);
        assert.deepEqual([...new Set((await load.stop()).map(({ status }) => status))], [200]);
      });
    });
  }
}
