import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";

const SERVERS = ["redis-server", "valkey-server"];

/** Why there is no Redis here; undefined when there is one. For `skip` of a test. */
export function withoutRedis(): string | undefined {
  return serverFile() === undefined ? "neither redis-server nor valkey-server is here" : undefined;
}

function serverFile(): string | undefined {
  return SERVERS.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** A Redis or Valkey on a port of loopback that keeps nothing on disk. */
export class Redis {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "meshwright-redis-"));
  #process: Process | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Redis> {
    const [port = 0] = await freePorts(1);
    const redis = new Redis(port);
    await redis.begin();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** Starts it again on its port, empty. */
  async begin(): Promise<void> {
    const file = serverFile();
    if (file === undefined) throw new Error("no Redis is here");
    const settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", this.#folder];
    this.#process = new Process("redis", file, ["--port", String(this.port), ...settings]);
    await this.#process.waitFor(/eady to accept connections/);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  /** Stops it for a while, without a word to those who are connected. */
  freeze(): void {
    this.#process?.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
