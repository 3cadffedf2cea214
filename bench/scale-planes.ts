// The control planes of bench:scale as processes, and the simulated sidecars.
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../setup/paths.mjs";
import { Process } from "../test/support/processes.ts";
import type { ScaleMesh } from "./scale-mesh.ts";

/** A program that answers each line on its standard input with a line of JSON. */
export class Driven {
  readonly child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #name: string;

  constructor(file: string, args: readonly string[]) {
    this.#name = file;
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async answer(): Promise<unknown> {
    const next = await this.#answers.next();
    if (next.done === true) throw new Error(`${this.#name} ended`);
    return JSON.parse(next.value);
  }

  ask(command: string): Promise<unknown> {
    this.child.stdin?.write(`${command}\n`);
    return this.answer();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGKILL");
    await closed;
  }
}

/** Simulated sidecars. Times are milliseconds since the epoch. */
export class Sidecars {
  readonly #program: Driven;

  /** @param certificates the folder with theirs; without it they connect without TLS. */
  constructor(
    program: string,
    port: number,
    plan: string,
    count: number,
    { delta, certificates }: { readonly delta: boolean; readonly certificates?: string | undefined },
  ) {
    const args = ["-server", `127.0.0.1:${String(port)}`, "-plan", plan, "-count", String(count)];
    if (delta) args.push("-delta");
    if (certificates !== undefined) args.push("-certificates", certificates);
    this.#program = new Driven(program, args);
  }

  get pid(): number {
    return this.#program.child.pid ?? 0;
  }

  /** All connect; gives when each had everything. */
  async connect(): Promise<readonly number[]> {
    return ((await this.#program.ask("connect")) as { times: number[] }).times;
  }

  async expect(typeUrl: string): Promise<void> {
    await this.#program.ask(`expect ${typeUrl}`);
  }

  /** When each had what was expected. */
  async await(): Promise<readonly number[]> {
    return ((await this.#program.ask("await")) as { times: number[] }).times;
  }

  async disconnect(): Promise<void> {
    await this.#program.ask("disconnect");
  }

  async reconnect(): Promise<void> {
    await this.#program.ask("reconnect");
  }

  /** All begin to fetch what is at a URL, each over a connection of its own. */
  async fetch(url: string): Promise<void> {
    await this.#program.ask(`fetch ${url}`);
  }

  /** When each had fetched it. */
  async fetched(): Promise<readonly number[]> {
    return ((await this.#program.ask("fetched")) as { times: number[] }).times;
  }

  /** Bytes received since the last time. */
  async bytes(): Promise<number> {
    return ((await this.#program.ask("bytes")) as { bytes: number }).bytes;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

/** What is changed: the weights of this many Services' endpoints, or the configuration of a filter. */
export type Edit = { readonly services: number } | "filter";

/** A control plane under measurement. */
export interface Plane {
  readonly name: string;
  readonly pid: number;
  /** Where its sidecars may fetch a module; undefined where it serves none. */
  readonly moduleUrl?: string;
  /** Changes between two states; gives when the change was made, in milliseconds since the epoch. */
  edit(edit: Edit, state: 0 | 1): Promise<number>;
  /** Waits until the control plane has taken the last change over. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** `meshwright serve` upon the files of a mesh, which edits change. */
export class OurPlane implements Plane {
  readonly name = "meshwright";
  readonly moduleUrl: string;
  readonly #process: Process;
  readonly #mesh: ScaleMesh;
  #from = 0;

  private constructor(process: Process, mesh: ScaleMesh, moduleUrl: string) {
    this.moduleUrl = moduleUrl;
    this.#process = process;
    this.#mesh = mesh;
  }

  static async start(
    mesh: ScaleMesh,
    port: number,
    httpPort: number,
    {
      nodeOptions,
      certificates,
    }: { readonly nodeOptions: readonly string[]; readonly certificates?: string | undefined },
  ): Promise<OurPlane> {
    const process = new Process("meshwright serve", globalThis.process.execPath, [
      ...nodeOptions,
      join(root, "node_modules", ".bin", "meshwright"),
      ...["serve", ...securityOf(certificates), "--config", mesh.config, "--state", join(mesh.folder, "state")],
      ...["--xds", `127.0.0.1:${String(port)}`, "--http", `127.0.0.1:${String(httpPort)}`],
    ]);
    const scheme = certificates === undefined ? "http" : "https";
    const plane = new OurPlane(process, mesh, `${scheme}://127.0.0.1:${String(httpPort)}/modules/${mesh.module}.wasm`);
    await process.waitFor(/xDS on /, { timeoutMs: 300_000 });
    plane.#from = process.output.length;
    return plane;
  }

  get pid(): number {
    return this.#process.child.pid ?? 0;
  }

  edit(edit: Edit, state: 0 | 1): Promise<number> {
    this.#from = this.#process.output.length;
    const at = Date.now();
    if (edit === "filter") this.#mesh.writeFilters(1 + state);
    else for (let service = 0; service < edit.services; ++service) this.#mesh.writeService(service, 1 + state);
    return Promise.resolve(at);
  }

  async settled(): Promise<void> {
    await this.#process.waitFor(/"serving /, { from: this.#from, timeoutMs: 120_000 });
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

/** The peer upon go-control-plane, which is handed what changes in encoded form. */
export class GoPlane implements Plane {
  readonly name = "go-control-plane";
  readonly #program: Driven;
  readonly #fileOf: (edit: Edit, state: 0 | 1) => string;

  private constructor(program: Driven, fileOf: (edit: Edit, state: 0 | 1) => string) {
    this.#program = program;
    this.#fileOf = fileOf;
  }

  static async start(
    file: string,
    port: number,
    resources: string,
    fileOf: (edit: Edit, state: 0 | 1) => string,
    certificates?: string,
  ): Promise<GoPlane> {
    const files = ["server.pem", "server.key", "ca.pem"].map((name) => join(certificates ?? "", name));
    const tls = certificates === undefined ? [] : ["-tls", files.join(",")];
    const program = new Driven(file, ["-listen", `127.0.0.1:${String(port)}`, "-resources", resources, ...tls]);
    await program.answer();
    return new GoPlane(program, fileOf);
  }

  get pid(): number {
    return this.#program.child.pid ?? 0;
  }

  async edit(edit: Edit, state: 0 | 1): Promise<number> {
    const at = Date.now();
    await this.#program.ask(`change ${this.#fileOf(edit, state)}`);
    return at;
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

function securityOf(certificates: string | undefined): readonly string[] {
  if (certificates === undefined) return ["--insecure"];
  const file = (name: string): string => join(certificates, name);
  return [
    ...["--authority-cert", file("ca.pem"), "--authority-key", file("ca.key")],
    ...["--tls-cert", file("server.pem"), "--tls-key", file("server.key")],
  ];
}

/** What a process needs and needed at most, in MiB. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  const mebibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { now: mebibytes("VmRSS"), peak: mebibytes("VmHWM") };
}
