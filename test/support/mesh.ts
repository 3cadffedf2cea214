import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../setup/paths.mjs";
import type { SidecarReport, StatusReport } from "../../controlplane/api/index.ts";
import { getAsAdmin } from "./api.ts";
import { Envoy } from "./envoy.ts";
import { get } from "./http.ts";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";

/** The command as npm links it. */
const meshwright = join(root, "node_modules", ".bin", "meshwright");

/** One sidecar as the test wants it. */
export interface SidecarOptions {
  readonly protocol?: "delta" | "sotw";
  readonly binary?: string;
  /** Where it finds its control plane, by ports; where it is when left out. */
  readonly through?: { readonly xds: number; readonly http: number };
}

/** A mesh as the test wants it. */
export interface MeshOptions {
  /** False for plaintext and no certificates. */
  readonly isSecure?: boolean;
  /** Whether resources are those of the folder, or those that are applied over the API. */
  readonly source?: "folder" | "applied";
  /** More arguments of `meshwright serve`. */
  readonly serve?: readonly string[];
}

/** The commands that speak to a control plane. */
const connecting = ["bootstrap", "status", "config", "trace", "quota", "limits", "ab", "modules"];

/** A control plane as a process of its own, and Envoys that know nothing but where it is. */
export class Mesh {
  readonly folder = mkdtempSync(join(tmpdir(), "meshwright-mesh-"));
  readonly xdsPort: number;
  readonly httpPort: number;
  readonly envoys = new Map<string, Envoy>();
  controlPlane: Process | undefined;

  readonly isSecure: boolean;
  readonly #serve: readonly string[];
  readonly #source: "folder" | "applied";

  private constructor(
    { isSecure = true, source = "folder", serve = [] }: MeshOptions,
    xdsPort: number,
    httpPort: number,
  ) {
    this.isSecure = isSecure;
    this.#source = source;
    this.#serve = serve;
    this.xdsPort = xdsPort;
    this.httpPort = httpPort;
    mkdirSync(join(this.folder, "config"));
  }

  static async create(options: MeshOptions = {}): Promise<Mesh> {
    const [xdsPort = 0, httpPort = 0] = await freePorts(2);
    return new Mesh(options, xdsPort, httpPort);
  }

  get state(): string {
    return join(this.folder, "state");
  }

  get config(): string {
    return join(this.folder, "config");
  }

  /** Writes a file of the configuration, or one beside it, as an editor does. */
  write(name: string, content: string | Uint8Array): void {
    const scratch = join(this.folder, "scratch");
    writeFileSync(scratch, content);
    renameSync(scratch, join(this.config, name));
  }

  read(name: string): string {
    return readFileSync(join(this.config, name), "utf8");
  }

  /**
   * Starts the control plane, with these arguments too, and waits until it serves.
   * @param timeoutMs a machine may be busy with other tests.
   */
  async startControlPlane(more: readonly string[] = [], timeoutMs = 60_000): Promise<Process> {
    const process = this.#run("serve", [
      ...(this.#source === "folder" ? ["--config", this.config] : []),
      ...["--state", this.state, "--log-format", "text"],
      ...(this.isSecure ? [] : ["--insecure"]),
      ...this.#serve,
      ...more,
      ...["--xds", `127.0.0.1:${String(this.xdsPort)}`, "--http", `127.0.0.1:${String(this.httpPort)}`],
    ]);
    this.controlPlane = process;
    await process.waitFor(/xDS on /, { timeoutMs });
    return process;
  }

  /** Starts the sidecar of a node, on nothing but what `meshwright bootstrap` prints. */
  async startSidecar(node: string, service: string, options: SidecarOptions = {}): Promise<Envoy> {
    const [adminPort = 0] = await freePorts(1);
    const { xds, http } = options.through ?? { xds: this.xdsPort, http: this.httpPort };
    const bootstrap = await this.meshwright("bootstrap", [
      ...["--node", node, "--service", service, "--admin", `127.0.0.1:${String(adminPort)}`],
      ...["--xds", `127.0.0.1:${String(xds)}`, "--http", `127.0.0.1:${String(http)}`],
      ...["--protocol", options.protocol ?? "delta", "--stats-interval", "200"],
    ]);
    const envoy = await Envoy.start(
      node,
      bootstrap,
      adminPort,
      options.binary === undefined ? {} : { binary: options.binary },
    );
    this.envoys.set(node, envoy);
    return envoy;
  }

  /** What a command prints. */
  async meshwright(command: string, args: readonly string[] = []): Promise<string> {
    const how = this.isSecure ? ["--state", this.state] : ["--insecure"];
    const process = this.#run(command, connecting.includes(command) ? [...args, ...how] : args);
    const code = await new Promise((resolve) => process.child.on("close", resolve));
    if (code !== 0 && command !== "validate")
      throw new Error(`meshwright ${command} ended with ${String(code)}:\n${process.output}`);
    return process.output;
  }

  async status(): Promise<StatusReport> {
    return JSON.parse(await this.api("/api/v1/status")) as StatusReport;
  }

  /** What the API answers. */
  async api(path: string): Promise<string> {
    return this.isSecure ? getAsAdmin(this.state, this.httpPort, path) : (await get(this.httpPort, path)).body;
  }

  async sidecar(node: string): Promise<SidecarReport> {
    const report = (await this.status()).sidecars.find((sidecar) => sidecar.node === node);
    if (report === undefined) throw new Error(`${node} is not in the status`);
    return report;
  }

  /** Waits until a condition on a sidecar's status holds. */
  async until(node: string, condition: (report: SidecarReport) => boolean, timeoutMs = 30_000): Promise<SidecarReport> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const report = await this.sidecar(node);
      if (condition(report)) return report;
      if (Date.now() > end) {
        const log = `${this.controlPlane?.output ?? ""}\n${this.envoys.get(node)?.process.output ?? ""}`;
        throw new Error(`${node} did not come so far:\n${JSON.stringify(report, undefined, 2)}\n${log}`);
      }
      await sleep(25);
    }
  }

  async untilReady(): Promise<void> {
    for (const node of this.envoys.keys()) await this.until(node, ({ state }) => state === "ready");
  }

  async stop(): Promise<void> {
    await Promise.all([...this.envoys.values()].map((envoy) => envoy.stop()));
    await this.controlPlane?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(command: string, args: readonly string[]): Process {
    return new Process(`meshwright ${command}`, process.execPath, [
      "--enable-source-maps",
      meshwright,
      command,
      ...args,
    ]);
  }
}
