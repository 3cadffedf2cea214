import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";

/** A real registry of images on loopback, its content in a scratch folder. */
export class ImageRegistry {
  /** `host:port`. */
  readonly at: string;
  readonly #process: Process;
  readonly #folder: string;

  private constructor(at: string, process: Process, folder: string) {
    this.at = at;
    this.#process = process;
    this.#folder = folder;
  }

  /** @param htpasswd who may push and pull, as Apache's htpasswd writes it; anyone when left out. */
  static async start(binary: string, htpasswd?: string): Promise<ImageRegistry> {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-registry-"));
    const [port = 0] = await freePorts(1);
    const at = `127.0.0.1:${String(port)}`;
    const passwords = join(folder, "htpasswd");
    if (htpasswd !== undefined) writeFileSync(passwords, htpasswd);
    const configuration = {
      version: 0.1,
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      http: { addr: at },
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "test", path: passwords } } }),
    };
    const file = join(folder, "config.yml");
    writeFileSync(file, JSON.stringify(configuration));
    const process = new Process("docker-registry", binary, ["serve", file]);
    await process.waitFor(/listening on/);
    return new ImageRegistry(at, process, folder);
  }

  /** Fetches what is under `/v2/`. */
  async get(
    path: string,
    accept: string,
    authorization?: string,
  ): Promise<{ readonly type: string; readonly bytes: Buffer }> {
    const headers = { accept, ...(authorization === undefined ? {} : { authorization }) };
    const response = await fetch(`http://${this.at}/v2/${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${String(response.status)} ${await response.text()}`);
    return { type: response.headers.get("content-type") ?? "", bytes: Buffer.from(await response.arrayBuffer()) };
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
