import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { envoyBinary } from "../../setup/envoy.mjs";
import { get } from "./http.ts";
import { Process } from "./processes.ts";

/** A real Envoy. */
export class Envoy {
  readonly process: Process;
  /** Port of the admin interface, which the configuration must give. */
  readonly adminPort: number;
  readonly #folder: string;

  private constructor(process: Process, folder: string, adminPort: number) {
    this.process = process;
    this.#folder = folder;
    this.adminPort = adminPort;
  }

  /**
   * Starts Envoy on a configuration in YAML or JSON and waits until its admin interface answers.
   * @param options.binary the supported release when left out.
   */
  static async start(
    name: string,
    configuration: string,
    adminPort: number,
    options: { readonly binary?: string; readonly concurrency?: number; readonly logLevel?: string } = {},
  ): Promise<Envoy> {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-envoy-"));
    const file = join(folder, "envoy.yaml");
    writeFileSync(file, configuration);
    const process = new Process(name, options.binary ?? (await envoyBinary()), [
      "--config-path",
      file,
      "--concurrency",
      String(options.concurrency ?? 2),
      "--log-level",
      options.logLevel ?? "warning",
      // Without hot restart, Envoys on one machine do not meet in shared memory.
      "--disable-hot-restart",
    ]);
    const envoy = new Envoy(process, folder, adminPort);
    try {
      await envoy.until(async () => (await envoy.admin("/server_info")) !== "");
    } catch (error) {
      await envoy.stop();
      throw error;
    }
    return envoy;
  }

  /** The answer of the admin interface; empty while it does not answer. */
  async admin(path: string, method = "GET"): Promise<string> {
    try {
      return (await get(this.adminPort, path, { method })).body;
    } catch {
      return "";
    }
  }

  /** A counter or gauge; 0 where there is none of this name. */
  async stat(name: string): Promise<number> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(`^${name.replaceAll(".", "\\.")}$`)}`);
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** All counters and gauges whose name matches. */
  async stats(filter: string): Promise<Map<string, number>> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(filter)}`);
    return new Map([...text.matchAll(/^(.+): (\d+)$/gm)].map((match) => [match[1] ?? "", Number(match[2])]));
  }

  /** Waits until a condition holds; fails when Envoy ends or after `timeoutMs`. */
  async until(condition: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!(await condition())) {
      if (!this.process.isRunning) throw new Error(`${this.process.name} ended:\n${this.process.output}`);
      if (Date.now() > end) throw new Error(`${this.process.name}: condition not met:\n${this.process.output}`);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
