import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generatedResources } from "./gateway/arbitrary.ts";
import { testedEnvoys } from "./support/envoys.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

// Whatever the control plane takes, every supported Envoy takes too: nothing that can be written is rejected by a sidecar.
describe("generated routes and Services", () => {
  for (const [index, { title, binary }] of testedEnvoys().entries()) {
    for (const seed of index === 0 ? [1, 2] : [3]) {
      it(`are accepted by ${title} (seed ${String(seed)})`, async () => {
        const [inboundPort = 0, outboundPort = 0] = await freePorts(2);
        const sidecar = { node: "web-1", inboundPort, outboundPort };
        const endpoints = [{ address: "127.0.0.1", port: 1, locality: { region: "eu", zone: "one" }, sidecar }];
        const web = { apiVersion: "meshwright.dev/v1alpha1", kind: "Service", metadata: { name: "web" } };
        const first = `${JSON.stringify({ ...web, spec: { port: 80, endpoints } })}\n`;
        const mesh = await Mesh.create();
        try {
          mesh.write("mesh.yaml", [first, ...generatedResources(seed, 40, 30)].join("---\n"));
          await mesh.startControlPlane();
          const envoy = await mesh.startSidecar("web-1", "web", { binary: await binary() });
          const report = await mesh.until("web-1", ({ state }) => state === "ready" || state === "faulty", 60_000);
          assert.deepEqual([report.state, report.rejections], ["ready", []]);
          await envoy.until(async () => (await envoy.stat("http.outbound.rds.outbound.update_success")) > 0);
          const rejected = [...(await envoy.stats("update_rejected$"))].filter(([, count]) => count > 0);
          assert.deepEqual(rejected, []);
        } finally {
          await mesh.stop();
        }
      });
    }
  }
});
