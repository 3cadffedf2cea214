// Leases over a fleet of real Envoys: how much of a quota passes, how far beyond it, and what requests wait. See README.md.
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { Envoy } from "../test/support/envoy.ts";
import { get } from "../test/support/http.ts";
import { Mesh } from "../test/support/mesh.ts";
import { freePorts } from "../test/support/ports.ts";
import { bootstrapOf, clusterOf, listenerOf, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { cpuTime, quantile } from "./measure.ts";
import { grpcCluster, nativeRateLimit, RATE_LIMITS, SERVICE, serveDescriptors } from "./rate-limit-service.ts";
import { printRow } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    envoys: { type: "string", default: "20" },
    seconds: { type: "string", default: "60" },
    quota: { type: "string", default: "200" },
    period: { type: "string", default: "1s" },
    /** Requests a second for the key that the quota is scarce for, in multiples of the quota. */
    demand: { type: "string", default: "2" },
    /** What decides while there is no lease: `deny`, or `limit`, each Envoy's even share of the quota. */
    withoutLease: { type: "string", default: "deny" },
    /** Requests a second of each variant for other keys. */
    beside: { type: "string", default: "40" },
  },
});
const envoyCount = Number(flags.envoys);
const seconds = Number(flags.seconds);
const quota = Number(flags.quota);
const beside = Number(flags.beside);

const hot = "hot";
const others = Array.from({ length: 20 }, (_, index) => `user-${String(index)}`);

const ours = (configuration: { [key: string]: Json }): Json =>
  wasmFilter("ratelimit", join(root, "build", "ratelimit.wasm"), { headers: "none", ...configuration });
const limit = {
  name: "bench",
  key: [{ header: "x-user-id" }],
  tokenBucket: { maxTokens: 1_000_000, tokensPerFill: 1_000_000, fillInterval: "1s" },
};

/** Each is a listener of every Envoy, before an upstream that is a listener of the same Envoy. */
function variants(withService: boolean): Pick<Variant, "name" | "filters" | "rateLimits">[] {
  const leases: Json = { cluster: "leases", domain: "bench", names: ["user"], withoutLease: flags.withoutLease };
  const share = Math.ceil(quota / envoyCount);
  const tokenBucket = { maxTokens: share, tokensPerFill: share, fillInterval: flags.period };
  return [
    { name: "none", filters: [] },
    { name: "ratelimit: scope envoy", filters: [ours({ limits: [limit] })] },
    {
      name: "ratelimit: scope fleet",
      filters: [ours({ limits: [{ ...limit, tokenBucket, scope: "fleet", leases }] })],
    },
    ...(withService
      ? [
          {
            name: "ratelimit: scope service",
            filters: [
              ours({
                service: SERVICE,
                limits: [{ name: "bench", key: limit.key, scope: "service", names: ["user"] }],
              }),
            ],
          },
          {
            name: "native: ratelimit",
            filters: [nativeRateLimit],
            rateLimits: RATE_LIMITS,
          },
        ]
      : []),
  ];
}

/** One Envoy of the fleet: a port for each variant. */
interface Member {
  readonly envoy: Envoy;
  readonly ports: readonly number[];
}

async function startMember(number: number, names: ReturnType<typeof variants>, clusters: Json[]): Promise<Member> {
  const [adminPort = 0, upstream = 0, ...ports] = await freePorts(names.length + 2);
  const common = { path: "/", headers: {} };
  const listeners = names.map((variant, index) =>
    listenerOf(
      { ...common, ...variant, routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }] },
      ports[index] ?? 0,
    ),
  );
  const answering = listenerOf({ ...common, name: "upstream", filters: [] }, upstream);
  const bootstrap = bootstrapOf([answering, ...listeners], [clusterOf("upstream", upstream), ...clusters], adminPort);
  const options = { concurrency: 1, logLevel: "error" };
  return { envoy: await Envoy.start(`envoy-${String(number)}`, bootstrap, adminPort, options), ports };
}

/** What became of a request. Times are in milliseconds. */
interface Sent {
  readonly variant: number;
  readonly user: string;
  readonly began: number;
  readonly ended: number;
  readonly status: number;
}

/** Sends requests at a rate, however long answers take. */
class Load {
  readonly sent: Sent[] = [];
  /** How late requests were sent, in milliseconds. */
  readonly lateness: number[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #members: readonly Member[];
  readonly #waiting = new Set<Promise<void>>();

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** @param pick Which request comes next. */
  async run(
    rate: number,
    forSeconds: number,
    pick: () => { variant: number; user: string; member: number },
  ): Promise<void> {
    const start = performance.now();
    for (let count = 0; count < rate * forSeconds; ++count) {
      const due = start + (count * 1000) / rate;
      while (performance.now() < due) await sleep(1);
      this.lateness.push(performance.now() - due);
      const request = this.#send(pick());
      this.#waiting.add(request);
      void request.finally(() => this.#waiting.delete(request));
    }
    await Promise.all(this.#waiting);
  }

  async #send({ variant, user, member }: { variant: number; user: string; member: number }): Promise<void> {
    const port = this.#members[member]?.ports[variant] ?? 0;
    const began = performance.now();
    const { status } = await get(port, "/", { headers: { "x-user-id": user }, agent: this.#agent });
    this.sent.push({ variant, user, began, ended: performance.now(), status });
  }

  stop(): void {
    this.#agent.destroy();
  }
}

const anyOf = (count: number): number => Math.floor(Math.random() * count);

/** By how much the most passed that did in any span of time, over what one bucket lets pass in it. */
function overshoot(passed: readonly Sent[], burst: number, rate: number): number {
  const times = passed.map(({ began, ended }) => (began + ended) / 2000).sort((a, b) => a - b);
  let worst = -Infinity;
  let least = Infinity;
  times.forEach((time, index) => {
    least = Math.min(least, index - rate * time);
    worst = Math.max(worst, index + 1 - rate * time - least);
  });
  return worst - burst;
}

function printQuota(hotRequests: readonly Sent[], rate: number): void {
  const passed = hotRequests.filter(({ status }) => status === 200);
  const reference = quota + rate * seconds;
  printRow([
    "requests of the key",
    "passed",
    "one bucket would let pass",
    "passed / that",
    "overshoot at worst, in any span",
  ]);
  printRow(["---", "---", "---", "---", "---"]);
  printRow([
    String(hotRequests.length),
    String(passed.length),
    reference.toFixed(0),
    (passed.length / Math.min(reference, hotRequests.length)).toFixed(3),
    overshoot(passed, quota, rate).toFixed(1),
  ]);
}

function printWaiting(sent: readonly Sent[], names: readonly string[]): void {
  const passed = names.map((_, variant) => sent.filter((one) => one.variant === variant && one.status === 200));
  const times = passed.map((list) => list.map(({ began, ended }) => ended - began));
  const base = times[0] ?? [];
  printRow(["variant", "answers", "p50, ms", "p99, ms", "added p50", "added p99"]);
  printRow(["---", "---", "---", "---", "---", "---"]);
  names.forEach((name, variant) => {
    const own = times[variant] ?? [];
    const added = (share: number): string => (quantile(own, share) - quantile(base, share)).toFixed(2);
    const at = (share: number): string => quantile(own, share).toFixed(2);
    printRow([
      name,
      String(own.length),
      at(0.5),
      at(0.99),
      ...(variant === 0 ? ["-", "-"] : [added(0.5), added(0.99)]),
    ]);
  });
}

await buildFilters(["ratelimit"]);
// The Envoys are not of the mesh, and have no certificates.
const mesh = await Mesh.create({ isSecure: false });
const service = await serveDescriptors();
const members: Member[] = [];
let load: Load | undefined;
try {
  mesh.write(
    "quota.json",
    JSON.stringify({
      apiVersion: "meshwright.dev/v1alpha1",
      kind: "Quota",
      metadata: { name: "bench" },
      spec: {
        domain: "bench",
        bucket: { limit: "bench", user: "*" },
        requests: quota,
        period: flags.period,
        onLoss: { policy: "Allow" },
      },
    }),
  );
  const controlPlane = await mesh.startControlPlane();
  const measured = variants(service !== undefined);
  const clusters = [
    grpcCluster("leases", mesh.xdsPort),
    ...(service === undefined ? [] : [grpcCluster("service", service.port)]),
  ];
  for (let i = 0; i < envoyCount; ++i) members.push(await startMember(i, measured, clusters));
  load = new Load(members);
  const fleet = measured.findIndex(({ name }) => name.endsWith("fleet"));
  const rate = quota / (Number.parseFloat(flags.period) * (flags.period.endsWith("m") ? 60 : 1));
  const hotRate = rate * Number(flags.demand);
  const all = hotRate + beside * measured.length;
  const besides = (): { variant: number; user: string; member: number } => ({
    variant: anyOf(measured.length),
    user: others[anyOf(others.length)] ?? "",
    member: anyOf(envoyCount),
  });
  /** Half of the scarce key's requests come to one Envoy, the others to all alike. */
  const mixed = (): ReturnType<typeof besides> =>
    Math.random() * all < hotRate
      ? { variant: fleet, user: hot, member: Math.random() < 0.5 ? 0 : anyOf(envoyCount) }
      : besides();
  // Connections, streams and compiled code.
  await load.run(beside * measured.length, 10, besides);
  load.sent.length = 0;
  load.lateness.length = 0;
  const before = cpuTime(controlPlane.child.pid ?? 0);
  await load.run(all, seconds, mixed);
  const used = (cpuTime(controlPlane.child.pid ?? 0) - before) / 1e9 / seconds;
  printQuota(
    load.sent.filter(({ user }) => user === hot),
    rate,
  );
  process.stdout.write("\n");
  printWaiting(
    load.sent.filter(({ user }) => user !== hot),
    measured.map(({ name }) => name),
  );
  const refused = load.sent.filter(({ user, status }) => user !== hot && status !== 200).length;
  process.stdout.write(
    `\n${String(load.sent.length)} requests in ${String(seconds)} s over ${String(envoyCount)} Envoys; ` +
      `${String(refused)} of other keys refused; sent late by ${quantile(load.lateness, 0.99).toFixed(1)} ms (p99); ` +
      `control plane ${(used * 100).toFixed(1)} % of a core\n`,
  );
} finally {
  load?.stop();
  await Promise.all(members.map(({ envoy }) => envoy.stop()));
  await service?.stop();
  await mesh.stop();
}
