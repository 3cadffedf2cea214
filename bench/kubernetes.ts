// What a control plane needs to follow a cluster of many pods, from a real kube-apiserver. `npm run bench:kubernetes`.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../setup/paths.mjs";
import { endpointSlice, pod, service } from "../test/support/kubernetes-objects.ts";
import { Kubernetes, withoutKubernetes, type KubernetesObject } from "../test/support/kubernetes.ts";
import { freePorts } from "../test/support/ports.ts";
import { Process } from "../test/support/processes.ts";
import { cpuTime } from "./measure.ts";
import { memoryOf } from "./scale-planes.ts";

const { values: flags } = parseArgs({
  options: {
    services: { type: "string", default: "1000" },
    pods: { type: "string", default: "10000" },
    changes: { type: "string", default: "20" },
  },
});
const services = Number(flags.services);
const perService = Number(flags.pods) / services;
const NAMESPACES = 20;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const namespaceOf = (s: number): string => `n${String(s % NAMESPACES)}`;
const address = (s: number, p: number, shift = 0): string => {
  const n = s * perService + p;
  return `10.${String(100 + shift)}.${String(n >> 8)}.${String(n & 255)}`;
};

/** A Service with its pods. */
function objectsOf(s: number): KubernetesObject[] {
  const [space, name] = [namespaceOf(s), `s${String(s)}`];
  const pods = Array.from({ length: perService }, (_, p) =>
    pod(space, `${name}-${String(p)}`, address(s, p), { injected: true }),
  );
  return [service(space, name, { port: 80 }), ...pods, sliceOf(s)];
}

function sliceOf(s: number, port = 8080): KubernetesObject {
  const name = `s${String(s)}`;
  const members = Array.from({ length: perService }, (_, p) => ({
    pod: `${name}-${String(p)}`,
    address: address(s, p),
  }));
  return endpointSlice(namespaceOf(s), name, port, members);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const one = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

async function main(kubernetes: Kubernetes, state: string): Promise<void> {
  const folder = join(root, "deploy", "crds");
  await kubernetes.applyCustomResources(...readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8")));
  const spaces = Array.from({ length: NAMESPACES }, (_, n) => namespaceOf(n));
  for (const name of spaces) await kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const [xds = 0, http = 0] = await freePorts(2);
  const serve = (): Process =>
    new Process("meshwright serve", process.execPath, [
      ...[join(root, "node_modules", ".bin", "meshwright"), "serve", "--insecure", "--log-format", "text"],
      ...["--kubernetes", "--kubeconfig", kubernetes.kubeconfig, "--state", state, "--pre-checks", "off"],
      ...["--xds", `127.0.0.1:${String(xds)}`, "--http", `127.0.0.1:${String(http)}`],
    ]);
  const empty = serve();
  await empty.waitFor(/xDS on /, { timeoutMs: 120_000 });
  print(`no Service: ${memoryOf(empty.child.pid ?? 0).now.toFixed(0)} MiB`);
  await empty.stop();

  let began = Date.now();
  await inParallel(
    Array.from({ length: services }, (_, s) => s),
    async (s) => {
      for (const object of objectsOf(s)) {
        const { name } = object.metadata;
        const { status, body } = await kubernetes.request(
          "POST",
          kubernetes.pathOf(object).slice(0, -name.length - 1),
          object,
        );
        if (status !== 201) throw new Error(body.message);
      }
    },
  );
  print(
    `${String(services)} Services, ${String(services * perService)} pods written in ${((Date.now() - began) / 1000).toFixed(0)} s`,
  );

  began = Date.now();
  const plane = serve();
  const pid = plane.child.pid ?? 0;
  await plane.waitFor(/xDS on /, { timeoutMs: 300_000 });
  print(`start: ${((Date.now() - began) / 1000).toFixed(1)} s, ${(cpuTime(pid) / 1e9).toFixed(1)} s of CPU`);
  const { now, peak } = memoryOf(pid);
  print(`memory: ${now.toFixed(0)} MiB, ${peak.toFixed(0)} MiB at most`);

  const times: number[] = [];
  const cpu = cpuTime(pid);
  for (let i = 0; i < Number(flags.changes); i++) {
    const s = (i * 37) % services;
    const from = plane.output.length;
    const start = performance.now();
    await kubernetes.apply(sliceOf(s, 9000 + i));
    await plane.waitFor(new RegExp(`serving Service s${String(s)}\\.${namespaceOf(s)}\\b`), {
      from,
      timeoutMs: 60_000,
    });
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const each = (cpuTime(pid) - cpu) / 1e6 / times.length;
  print(
    `a change of a slice: ${(times[times.length >> 1] ?? 0).toFixed(0)} ms until it is served, ${each.toFixed(0)} ms of CPU`,
  );
  await plane.stop();
}

const reason = withoutKubernetes();
if (reason !== undefined) {
  print(reason);
  process.exit(1);
}
const kubernetes = await Kubernetes.start();
const state = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
try {
  await main(kubernetes, state);
} finally {
  await kubernetes.stop();
  rmSync(state, { recursive: true, force: true });
}
