import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { ControlPlane, type ControlPlaneOptions } from "../../controlplane/control/index.ts";
import { Security, TokenStore, type Role } from "../../controlplane/security/index.ts";
import { FolderSource } from "../../controlplane/source/index.ts";
import { openStore } from "../../controlplane/store/index.ts";
import { freePorts } from "./ports.ts";
import { PretendedSidecar, type Conduct } from "./pretended-sidecar.ts";

export interface PretendedFleetOptions {
  /** How many sidecars each Service has, by its name. */
  readonly services: Readonly<Record<string, number>>;
  /** The files of the folder that is served, besides that of the Services. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly conduct?: (filter: string, configuration: string) => Conduct;
  /** Requests to each sidecar in a second. */
  readonly requests?: (node: string) => number;
  /** Whether it speaks TLS. Default: yes. */
  readonly isSecure?: boolean;
  /** More of the control plane. */
  readonly options?: Partial<ControlPlaneOptions>;
}

/** How often sidecars look at what they are to have, and how often they report. */
const LOOK_MS = 100;
const REPORT_MS = 250;

/** A real control plane, before a fleet that is pretended. */
export class PretendedFleet {
  readonly folder = mkdtempSync(join(tmpdir(), "meshwright-fleet-"));
  readonly sidecars: readonly PretendedSidecar[];
  readonly plane: ControlPlane;
  readonly httpPort: number;
  readonly #timers: readonly NodeJS.Timeout[];

  private constructor(
    folder: string,
    plane: ControlPlane,
    httpPort: number,
    { services, conduct = (): Conduct => ({}), requests = (): number => 10 }: PretendedFleetOptions,
  ) {
    this.folder = folder;
    this.plane = plane;
    this.httpPort = httpPort;
    this.sidecars = Object.entries(services).flatMap(([service, count]) =>
      Array.from({ length: count }, (_, i) => {
        const userAgentVersion = i % 5 === 0 ? "1.39.3" : "1.40.0";
        return new PretendedSidecar({ id: `${service}-${i + 1}`, cluster: service, userAgentVersion }, conduct);
      }),
    );
    for (const sidecar of this.sidecars) sidecar.connect(plane.fleet);
    const look = (): void => {
      for (const sidecar of this.sidecars) {
        const wanted = plane.rollouts.translationFor(sidecar.node.id)?.snapshotFor(sidecar.node).snapshot;
        if (wanted !== undefined) sidecar.serve(wanted, Date.now());
      }
    };
    const report = (): void => {
      for (const sidecar of this.sidecars) {
        sidecar.handle((requests(sidecar.node.id) * REPORT_MS) / 1_000);
        sidecar.report(plane.stats, Date.now());
      }
    };
    look();
    report();
    this.#timers = [setInterval(look, LOOK_MS), setInterval(report, REPORT_MS)];
  }

  static async start(options: PretendedFleetOptions): Promise<PretendedFleet> {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-fleet-"));
    const [config, state] = [join(folder, "config"), join(folder, "state")];
    mkdirSync(config);
    writeFileSync(join(config, "services.yaml"), servicesText(options.services));
    for (const [name, content] of Object.entries(options.files)) writeFileSync(join(config, name), content);
    const [xds = 0, http = 0] = await freePorts(2);
    const log = pino({ enabled: false });
    const plane = await ControlPlane.start({
      source: new FolderSource(config),
      store: await openStore({ folder: state }),
      stateFolder: state,
      xds: { host: "127.0.0.1", port: xds },
      http: { host: "127.0.0.1", port: http },
      modulesCluster: "modules",
      rolloutTickMs: 100,
      ...(options.isSecure === false
        ? {}
        : { security: await Security.open({ stateFolder: state, hosts: ["127.0.0.1"], log }) }),
      log,
      ...options.options,
    });
    return new PretendedFleet(folder, plane, http, options);
  }

  get state(): string {
    return join(this.folder, "state");
  }

  /** Writes a file of the folder that is served, as an editor does. */
  write(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.folder, "scratch"), content);
    renameSync(join(this.folder, "scratch"), join(this.folder, "config", name));
  }

  /** The text of a new token. */
  token(role: Role): string {
    return new TokenStore(this.state).create({ name: role, role }).text;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.plane.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function servicesText(services: PretendedFleetOptions["services"]): string {
  let block = 0;
  return Object.entries(services)
    .map(([name, count]) => {
      const endpoints = Array.from({ length: count }, (_, i) => {
        const [high, low] = [(block + i) >> 8, (block + i) & 255];
        return `    - { address: 10.${high >> 8}.${high & 255}.${low}, port: 80, sidecar: { node: ${name}-${i + 1}, inboundPort: 81, outboundPort: 82 } }`;
      });
      block += count;
      const spec = count === 0 ? "spec: { port: 80 }" : `spec:\n  port: 80\n  endpoints:\n${endpoints.join("\n")}`;
      return `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name} }\n${spec}\n`;
    })
    .join("---\n");
}
