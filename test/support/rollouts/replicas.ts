import { cpSync } from "node:fs";
import { join } from "node:path";
import type { RolloutReport } from "../../../controlplane/api/index.ts";
import { postAsAdmin } from "../api.ts";
import { Balancer } from "../balancer.ts";
import { Envoy } from "../envoy.ts";
import { Etcd } from "../etcd.ts";
import { get, startApp } from "../http.ts";
import { Mesh } from "../mesh.ts";
import { freePorts } from "../ports.ts";
import { fixtureModule } from "../probe.ts";
import { until } from "../until.ts";

export const NODES = ["web-1", "web-2", "web-3", "web-4"] as const;

const analysis = { minRequests: 100, checks: [{ metric: "Errors" }] };
const rollout = {
  targetRefs: [{ kind: "FilterPolicy", name: "faulty" }],
  waves: [
    { percentage: 50, bake: "5s" },
    { percentage: 100, bake: "2s" },
  ],
  ...{ analysis, answerTimeout: "40s", lossWindow: "10s" },
};

const resource = (kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name }, spec });

/** Two control planes on one etcd, with two real Envoys each that have a filter with a Rollout. */
export class ReplicatedFleet {
  readonly etcd: Etcd;
  readonly planes: Mesh[] = [];
  /** Where each Envoy takes requests, in the order of {@link NODES}. */
  readonly ports: number[] = [];
  readonly #balancers: Balancer[] = [];
  readonly #envoys: Envoy[] = [];
  readonly #apps: Awaited<ReturnType<typeof startApp>>[] = [];

  private constructor(etcd: Etcd) {
    this.etcd = etcd;
  }

  /** Starts it, and waits until all run the version `first`. @param members how many etcd has. */
  static async start(members = 1): Promise<ReplicatedFleet> {
    const fleet = new ReplicatedFleet(await Etcd.start(members));
    try {
      await fleet.#start();
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#envoys.map((envoy) => envoy.stop()));
    await Promise.all(this.planes.map((plane) => plane.stop()));
    for (const balancer of this.#balancers) balancer.stop();
    await Promise.all([this.etcd.stop(), ...this.#apps.map((app) => app.stop())]);
  }

  plane(index: number): Mesh {
    const plane = this.planes[index];
    if (plane === undefined) throw new RangeError(`no control plane ${String(index)}`);
    return plane;
  }

  /** How commands reach one of the two. */
  reach(index: number): readonly string[] {
    const { httpPort, state } = this.plane(index);
    return ["--http", `127.0.0.1:${String(httpPort)}`, "--state", state];
  }

  /** The one that leads the Rollouts. */
  get leader(): number {
    return this.planes.findIndex((plane) => /leads the Rollouts$/m.test(plane.controlPlane?.output ?? ""));
  }

  /** Changes the filter, over the API of one of the two. */
  async ship(configuration: object, over: number): Promise<void> {
    const mesh = this.plane(0);
    const spec = { targetRefs: [{ name: "web" }], module: "faulty", configuration };
    const files = [{ path: "policy.yaml", text: resource("FilterPolicy", "faulty", spec) }];
    const answer = await postAsAdmin(mesh.state, this.plane(over).httpPort, "/api/v1/apply", { files });
    if (!/"revision"/.test(answer)) throw new Error(answer);
  }

  async report(plane: number): Promise<RolloutReport> {
    return JSON.parse(await this.plane(plane).api("/api/v1/rollouts/faulty")) as RolloutReport;
  }

  /** All sidecars connect to this one from now on. */
  turnTo(index: number): void {
    const { xdsPort, httpPort } = this.plane(index);
    for (const [i, balancer] of this.#balancers.entries()) balancer.turnTo(i % 2 === 0 ? xdsPort : httpPort);
  }

  /** Waits until a sidecar answers by this version of the filter. */
  async untilMarked(node: number, mark: string): Promise<void> {
    const port = this.ports[node] ?? 0;
    await this.#envoys[node]?.until(async () => (await get(port, "/")).headers["x-version"] === mark);
  }

  async #start(): Promise<void> {
    const store = `etcd://${this.etcd.hosts.map((host) => host.replace("http://", "")).join(",")}/mesh`;
    const serve = ["--store", store, "--stats-window", "1000", "--pre-checks", "off"];
    for (let i = 0; i < 2; i++) {
      const plane = await Mesh.create({ source: "applied", serve });
      const [first] = this.planes;
      // Both issue with one authority.
      if (first !== undefined)
        cpSync(join(first.state, "authority"), join(plane.state, "authority"), { recursive: true });
      this.planes.push(plane);
      await plane.startControlPlane();
    }
    const mesh = this.plane(0);
    const endpoints: object[] = [];
    for (const node of NODES) {
      const app = await startApp(node);
      this.#apps.push(app);
      const [inboundPort = 0] = await freePorts(1);
      this.ports.push(inboundPort);
      endpoints.push({ address: "127.0.0.1", port: app.port, sidecar: { node, inboundPort } });
    }
    mesh.write("faulty.wasm", await fixtureModule("faulty"));
    const module = resource("WasmModule", "faulty", { file: "faulty.wasm" });
    mesh.write("mesh.yaml", [resource("Service", "web", { port: 80, endpoints }), module].join("\n---\n"));
    const spec = { targetRefs: [{ name: "web" }], module: "faulty", configuration: { mark: "first" } };
    mesh.write("policy.yaml", resource("FilterPolicy", "faulty", spec));
    await mesh.meshwright("apply", ["-f", mesh.config, ...this.reach(0)]);
    for (const [i, node] of NODES.entries()) await this.#startSidecar(node, this.plane(i % 2));
    for (const [i, node] of NODES.entries()) await this.plane(i % 2).until(node, ({ state }) => state === "ready");
    // What all have by now is what the first run starts from.
    mesh.write("rollout.yaml", resource("Rollout", "faulty", rollout));
    await mesh.meshwright("apply", ["-f", mesh.config, ...this.reach(0)]);
    for (const i of this.planes.keys()) await until(async () => (await this.report(i)).state === "Settled", 20_000);
  }

  async #startSidecar(node: string, plane: Mesh): Promise<void> {
    const xds = await Balancer.start(plane.xdsPort);
    const http = await Balancer.start(plane.httpPort);
    this.#balancers.push(xds, http);
    const [adminPort = 0] = await freePorts(1);
    const bootstrap = await plane.meshwright("bootstrap", [
      ...["--node", node, "--service", "web", "--admin", `127.0.0.1:${String(adminPort)}`, "--stats-interval", "250"],
      ...["--xds", `127.0.0.1:${String(xds.port)}`, "--http", `127.0.0.1:${String(http.port)}`],
    ]);
    this.#envoys.push(await Envoy.start(node, bootstrap, adminPort, { concurrency: 1 }));
  }
}
