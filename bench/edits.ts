// From saving a file to the first answer of a running Envoy that shows it, beside many other resources. See README.md.
import { parseArgs } from "node:util";
import { get } from "../test/support/http.ts";
import type { Mesh } from "../test/support/mesh.ts";
import { startOneService, writePolicy } from "../test/support/one-service.ts";
import { cpuTime, quantile } from "./measure.ts";
import { memoryOf } from "./scale-planes.ts";

const { values: flags } = parseArgs({
  options: {
    edits: { type: "string", default: "50" },
    /** How many resources there are besides, each in a file of its own: half Services, 40 % HTTPRoutes, 10 % FilterPolicies. */
    resources: { type: "string", default: "0" },
  },
});
const others = Number(flags.resources);

const service = await startOneService("start", {}, async (mesh) => {
  writeOthers(mesh, others);
  const began = performance.now();
  const { pid = 0 } = (await mesh.startControlPlane([], 600_000)).child;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const { now, peak } = memoryOf(pid);
  print(`start: ${seconds} s, ${(cpuTime(pid) / 1e9).toFixed(1)} s of CPU`);
  print(`memory: ${now.toFixed(0)} MiB, ${peak.toFixed(0)} MiB at most`);
});
try {
  const pid = service.mesh.controlPlane?.child.pid ?? 0;
  const before = cpuTime(pid);
  const times: number[] = [];
  for (let edit = 0; edit < Number(flags.edits); ++edit) {
    const mark = `edit-${String(edit)}`;
    const saved = performance.now();
    writePolicy(service.mesh, { mark });
    while ((await get(service.port, "/")).headers["x-probe"] !== mark);
    times.push(performance.now() - saved);
  }
  const [median, p99, longest] = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(0));
  const each = ((cpuTime(pid) - before) / 1e6 / times.length).toFixed(0);
  print(`${flags.edits} edits beside ${flags.resources} other resources:`);
  print(
    `median ${median ?? ""} ms, p99 ${p99 ?? ""} ms, longest ${longest ?? ""} ms; ${each} ms of CPU of the control plane`,
  );
} finally {
  await service.stop();
}

function writeOthers(mesh: Mesh, count: number): void {
  const services = Math.round(0.5 * count);
  const policies = Math.round(0.1 * count);
  const put = (kind: string, name: string, spec: object, apiVersion = "meshwright.dev/v1alpha1"): void =>
    mesh.write(`${name}.yaml`, JSON.stringify({ apiVersion, kind, metadata: { name }, spec }, undefined, 1));
  for (let i = 0; i < services; ++i) {
    const address = `10.0.${String(i >> 8)}.${String(i & 255)}`;
    const sidecar = { node: `node-${String(i)}`, inboundPort: 15_006, outboundPort: 15_001 };
    put("Service", `service-${String(i)}`, { port: 80, endpoints: [{ address, port: 8080, sidecar }] });
  }
  for (let i = 0; i < policies; ++i) {
    const targetRefs = [{ name: `service-${String(i)}` }];
    put("FilterPolicy", `policy-${String(i)}`, {
      targetRefs,
      module: "probe",
      configuration: { mark: `other-${String(i)}` },
    });
  }
  for (let i = 0; i < count - services - policies; ++i) {
    const parentRefs = [{ group: "meshwright.dev", kind: "Service", name: `service-${String(i)}` }];
    const matches = [{ path: { type: "PathPrefix", value: "/api" } }];
    const backendRefs = [{ name: `service-${String((i + 1) % services)}`, port: 80 }];
    put(
      "HTTPRoute",
      `route-${String(i)}`,
      { parentRefs, rules: [{ matches, backendRefs }] },
      "gateway.networking.k8s.io/v1",
    );
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
