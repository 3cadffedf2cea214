import { bootstrapJson, createBootstrap } from "../../../controlplane/bootstrap/index.ts";
import type { RolloutHistory, RolloutReport } from "../../../controlplane/api/index.ts";
import { Envoy } from "../envoy.ts";
import { startApp } from "../http.ts";
import { Mesh } from "../mesh.ts";
import { freePorts } from "../ports.ts";
import { fixtureModule, withMemoryLimit, withNote } from "../probe.ts";
import { ModuleProxy } from "./module-proxy.ts";

/** Twelve sidecars of three Services. */
export const SERVICES = ["cart", "pay", "shop"] as const;
const SIDECARS = 4;
/** How often sidecars report, and how long the windows are in which the control plane measures. */
const REPORT_MS = 250;
const WINDOW_MS = 1_000;

/** What the filter is to be: its configuration, and which bytes its module has. */
export interface Filter {
  readonly configuration: { readonly mark: string } & Readonly<Record<string, unknown>>;
  /** The same module under another hash. */
  readonly note: string;
  /** The most memory that its module may have, in pages of 64 KiB. */
  readonly memoryPages?: number;
}

/** A control plane as a process of its own, and real Envoys that have a filter by a FilterPolicy with a Rollout. */
export class RolloutFleet {
  readonly mesh: Mesh;
  readonly modules: ModuleProxy;
  /** Where each sidecar takes requests, by node. */
  readonly ports = new Map<string, number>();
  readonly #stopApps: (() => Promise<void>)[] = [];

  private constructor(mesh: Mesh, modules: ModuleProxy) {
    this.mesh = mesh;
    this.modules = modules;
  }

  /**
   * Starts it with a filter, and waits until all run that.
   * @param serve more arguments of `meshwright serve`. Without pre-checks by default: they would find most faults before any sidecar.
   */
  static async start(
    filter: Filter,
    spec: object,
    serve: readonly string[] = ["--pre-checks", "off"],
  ): Promise<RolloutFleet> {
    const mesh = await Mesh.create({ isSecure: false, serve: ["--stats-window", String(WINDOW_MS), ...serve] });
    const fleet = new RolloutFleet(mesh, await ModuleProxy.start(mesh.httpPort));
    try {
      await fleet.#start(filter, spec);
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  get nodes(): readonly string[] {
    return [...this.ports.keys()];
  }

  envoy(node: string): Envoy {
    const envoy = this.mesh.envoys.get(node);
    if (envoy === undefined) throw new Error(`no sidecar ${node}`);
    return envoy;
  }

  /** Changes the source. */
  async ship({ configuration, note, memoryPages }: Filter): Promise<void> {
    const module = withNote(await fixtureModule("faulty"), note);
    this.mesh.write("faulty.wasm", memoryPages === undefined ? module : withMemoryLimit(module, memoryPages));
    this.mesh.write(
      "policy.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: faulty }
spec:
  targetRefs: ${JSON.stringify(SERVICES.map((name) => ({ name })))}
  module: faulty
  configuration: ${JSON.stringify(configuration)}
`,
    );
  }

  writeRollout(spec: object): void {
    this.mesh.write(
      "rollout.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: faulty }
spec: ${JSON.stringify({ targetRefs: [{ kind: "FilterPolicy", name: "faulty" }], ...spec })}
`,
    );
  }

  /** Ships a patch of the inbound listeners, by a Rollout of its own of the name `patch`. */
  shipPatch(patch: object, spec: object): void {
    const target = { type: "HTTPConnectionManager", direction: "Inbound" };
    this.mesh.write(
      "patch.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: patch }
spec: ${JSON.stringify({ patches: [{ target, ...patch }] })}
---
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: patch }
spec: ${JSON.stringify({ targetRefs: [{ kind: "EnvoyPatch", name: "patch" }], ...spec })}
`,
    );
  }

  async report(rollout = "faulty"): Promise<RolloutReport> {
    return JSON.parse(await this.mesh.api(`/api/v1/rollouts/${rollout}`)) as RolloutReport;
  }

  async history(): Promise<RolloutHistory> {
    return JSON.parse(await this.mesh.api("/api/v1/rollouts/faulty/history")) as RolloutHistory;
  }

  async stop(): Promise<void> {
    this.modules.stop();
    await this.mesh.stop();
    for (const stopApp of this.#stopApps) await stopApp();
  }

  async #start(filter: Filter, spec: object): Promise<void> {
    const { mesh, ports } = this;
    const bootstraps: { readonly node: string; readonly text: string; readonly adminPort: number }[] = [];
    const services: string[] = [];
    for (const service of SERVICES) {
      const endpoints = [];
      for (let i = 0; i < SIDECARS; ++i) {
        const node = `${service}-${i}`;
        const [inboundPort = 0, adminPort = 0] = await freePorts(2);
        ports.set(node, inboundPort);
        const app = await startApp(node);
        this.#stopApps.push(app.stop);
        endpoints.push({ address: "127.0.0.1", port: app.port, sidecar: { node, inboundPort } });
        const bootstrap = createBootstrap({
          ...{ node, service, protocol: i % 2 === 0 ? "delta" : "sotw", statsIntervalMs: REPORT_MS },
          xds: { host: "127.0.0.1", port: mesh.xdsPort },
          http: { host: "127.0.0.1", port: this.modules.port },
          admin: { host: "127.0.0.1", port: adminPort },
        });
        bootstraps.push({ node, adminPort, text: JSON.stringify(bootstrapJson(bootstrap)) });
      }
      services.push(`apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${service} }
spec: { port: 80, endpoints: ${JSON.stringify(endpoints)} }
`);
    }
    const module = `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: faulty }
spec: { file: faulty.wasm }
`;
    mesh.write("mesh.yaml", [...services, module].join("---\n"));
    await this.ship(filter);
    this.writeRollout(spec);
    await mesh.startControlPlane();
    // A few at a time: each compiles the module.
    for (let i = 0; i < bootstraps.length; i += 4) {
      await Promise.all(
        bootstraps.slice(i, i + 4).map(async ({ node, text, adminPort }) => {
          mesh.envoys.set(node, await Envoy.start(node, text, adminPort, { concurrency: 1 }));
        }),
      );
    }
    await mesh.untilReady();
  }
}
