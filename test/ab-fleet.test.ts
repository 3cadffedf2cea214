// Weights, a kill switch and routes of an experiment change over a fleet under traffic: no request is lost, and nobody moves who need not.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import xxhash from "xxhash-wasm";
import { filterModule } from "../filters/testing/filter.ts";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

const hasher = await xxhash();
const USERS = Array.from({ length: 60 }, (_, i) => `user-${String(i)}`);
const NODES = ["web-1", "web-2", "web-3"];
const BACKENDS = ["shop-v1", "shop-v2", "shop-v3"];
/** To each sidecar, since workers are told of a change one after another. */
const CONNECTIONS = 2;

/** The share of `new` in hundredths of a percent, the switch, and the Services that `new` has. */
interface Settings {
  readonly weight: number;
  readonly enabled?: boolean;
  readonly backends?: readonly string[];
}

const STEPS: readonly Settings[] = [
  { weight: 1000 },
  { weight: 2000 },
  { weight: 5000 },
  { weight: 5000, backends: ["shop-v2", "shop-v3"] },
  { weight: 5000, enabled: false },
  { weight: 5000 },
  { weight: 1000 },
];

/** What README.md of ab-routing says, by another implementation of XXH64. */
function variantOf(user: string, { weight, enabled = true }: Settings): string {
  const place = ((hasher.h64(user, hasher.h64("2026\0shop")) >> 32n) * 10_000n) >> 32n;
  return enabled && place < weight ? "new" : "old";
}

const policyOf = ({ weight, enabled = true }: Settings): string => `apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: shop-ab }
spec:
  targetRefs: [{ kind: Service, name: web }]
  direction: Outbound
  module: ab-routing
  configuration:
    experiments:
      - name: shop
        header: x-shop
        enabled: ${String(enabled)}
        split:
          key: [{ header: x-user }]
          salt: "2026"
          variants: [{ name: new, weight: ${String(weight)} }, { name: old, weight: ${String(10_000 - weight)} }]
        default: old
`;

const routeOf = ({ backends = ["shop-v2"] }: Settings): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ kind: Service, name: shop }]
  rules:
    - matches: [{ headers: [{ name: x-shop, value: new }] }]
      backendRefs: [${backends.map((name) => `{ name: ${name}, port: 80 }`).join(", ")}]
    - backendRefs: [{ name: shop-v1, port: 80 }]
`;

const service = (name: string, endpoints: object[] = []): string => `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec: { port: 80, endpoints: ${JSON.stringify(endpoints)} }
`;

interface Seen {
  readonly variant: string;
  readonly backend: string;
}

/** The users call in turn by one connection to a sidecar, without an end. */
class Callers {
  requests = 0;
  /** What became of each user, each change once. */
  readonly story = new Map(USERS.map((user) => [user, [] as string[]]));
  readonly failures: string[] = [];
  /** Rounds of all users that are over, and what the last of them saw. */
  rounds = 0;
  last = new Map<string, Seen>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(port: number) {
    this.#running = this.#run(port);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#agent.destroy();
  }

  async #run(port: number): Promise<void> {
    while (!this.#isStopped) {
      const round = new Map<string, Seen>();
      for (const user of USERS) {
        await sleep(1);
        ++this.requests;
        try {
          round.set(user, await this.#call(port, user));
        } catch (error) {
          this.failures.push(`${user}: ${String(error)}`);
        }
      }
      this.last = round;
      ++this.rounds;
    }
  }

  async #call(port: number, user: string): Promise<Seen> {
    // What a client claims to be counts for nothing.
    const headers = { host: "shop", "x-user": user, "x-shop": "new" };
    const { status, body } = await get(port, "/", { headers, agent: this.#agent });
    if (status !== 200) throw new Error(`${String(status)} ${body}`);
    const { app, headers: received } = JSON.parse(body) as { app: string; headers: Record<string, string> };
    const variant = received["x-shop"] ?? "none";
    if ((variant === "new") === (app === "shop-v1")) throw new Error(`${variant} went to ${app}`);
    const story = this.story.get(user);
    if (story?.at(-1) !== variant) story?.push(variant);
    return { variant, backend: app };
  }
}

const stops: (() => Promise<void>)[] = [];
const callers: Callers[] = [];
let mesh: Mesh;

before(async () => {
  mesh = await Mesh.create();
  stops.push(() => mesh.stop());
  const apps = await Promise.all(BACKENDS.map((name) => startApp(name)));
  stops.push(...apps.map((app) => app.stop));
  const free = await freePorts(3 * NODES.length);
  const endpoints = NODES.map((node, i) => {
    const [port = 0, inboundPort = 0, outboundPort = 0] = free.slice(3 * i);
    return { address: "127.0.0.1", port, sidecar: { node, inboundPort, outboundPort } };
  });
  mesh.write("ab-routing.wasm", await filterModule("ab-routing"));
  const backends = apps.map(({ port }, i) => service(BACKENDS[i] ?? "", [{ address: "127.0.0.1", port }]));
  const module = `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: ab-routing }
spec: { file: ab-routing.wasm }
`;
  mesh.write("mesh.yaml", [service("web", endpoints), service("shop"), ...backends, module].join("---\n"));
  const [first = { weight: 0 }] = STEPS;
  mesh.write("policy.yaml", policyOf(first));
  mesh.write("route.yaml", routeOf(first));
  await mesh.startControlPlane();
  await Promise.all(NODES.map((node) => mesh.startSidecar(node, "web")));
  await mesh.untilReady();
  for (const { sidecar } of endpoints) {
    for (let i = 0; i < CONNECTIONS; ++i) callers.push(new Callers(sidecar.outboundPort));
  }
});
after(async () => {
  await Promise.all(callers.map((one) => one.stop()));
  for (const stop of stops) await stop();
});

/** Why a round of all users is not yet as the settings say; empty when it is. */
function differsFrom(settings: Settings, { last }: Callers): string {
  const wrong = USERS.filter((user) => last.get(user)?.variant !== variantOf(user, settings));
  if (wrong.length > 0) return `${String(wrong.length)} users do not have their variants`;
  const used = [...last.values()].filter(({ variant }) => variant === "new").map(({ backend }) => backend);
  const expected = used.length === 0 ? [] : (settings.backends ?? ["shop-v2"]);
  return [...new Set(used)].toSorted().join() === expected.join() ? "" : `new goes to ${used.join()}`;
}

/** Waits until each connection shows in a whole round, begun after now, what the settings say. */
async function untilAllAgree(settings: Settings): Promise<void> {
  const end = Date.now() + 60_000;
  for (const one of callers) {
    const before = one.rounds;
    while (one.rounds < before + 2 || differsFrom(settings, one) !== "") {
      if (Date.now() > end) throw new Error(`${JSON.stringify(settings)}: ${differsFrom(settings, one)}`);
      await sleep(20);
    }
  }
}

test("no request is lost, every Envoy comes to agree, and users move only where the ranges of places do", async () => {
  for (const [i, settings] of STEPS.entries()) {
    const previous = STEPS[i - 1];
    if (previous !== undefined && policyOf(previous) !== policyOf(settings))
      mesh.write("policy.yaml", policyOf(settings));
    if (previous !== undefined && routeOf(previous) !== routeOf(settings)) mesh.write("route.yaml", routeOf(settings));
    await untilAllAgree(settings);
  }
  await Promise.all(callers.map((one) => one.stop()));

  const counts = STEPS.map((settings) => USERS.filter((user) => variantOf(user, settings) === "new").length);
  const [few = 0, more = 0, half = 0] = counts;
  assert.ok(0 < few && few < more && more < half && half < USERS.length, counts.join());
  for (const one of callers) {
    assert.deepEqual(one.failures, []);
    assert.ok(one.requests >= STEPS.length * USERS.length);
    for (const user of USERS) {
      const story = STEPS.map((settings) => variantOf(user, settings)).filter((name, i, all) => name !== all[i - 1]);
      assert.deepEqual(one.story.get(user), story, user);
    }
  }
});
