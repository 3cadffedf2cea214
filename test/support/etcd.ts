import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";

/** Why there is no etcd here; undefined when there is one. For `skip` of a test. */
export function withoutEtcd(): string | undefined {
  return spawnSync("etcd", ["--version"]).status === 0 ? undefined : "etcd is not here";
}

/** A real etcd on loopback: one member or several, each with its data in a scratch folder. */
export class Etcd {
  readonly members: readonly EtcdMember[];
  readonly #folder: string;

  private constructor(members: readonly EtcdMember[], folder: string) {
    this.members = members;
    this.#folder = folder;
  }

  static async start(size = 1): Promise<Etcd> {
    const ports = await freePorts(2 * size);
    const folder = mkdtempSync(join(tmpdir(), "meshwright-etcd-"));
    const places = Array.from({ length: size }, (_, i) => ({
      name: `m${String(i)}`,
      client: `http://127.0.0.1:${String(ports[2 * i])}`,
      peer: `http://127.0.0.1:${String(ports[2 * i + 1])}`,
    }));
    const cluster = places.map(({ name, peer }) => `${name}=${peer}`).join(",");
    const etcd = new Etcd(
      places.map(
        ({ name, client, peer }) =>
          new EtcdMember(client, [
            "--name",
            name,
            "--data-dir",
            join(folder, name),
            "--listen-client-urls",
            client,
            "--advertise-client-urls",
            client,
            "--listen-peer-urls",
            peer,
            "--initial-advertise-peer-urls",
            peer,
            "--initial-cluster",
            cluster,
          ]),
      ),
      folder,
    );
    await Promise.all(etcd.members.map((member) => member.begin()));
    return etcd;
  }

  get hosts(): readonly string[] {
    return this.members.map(({ url }) => url);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class EtcdMember {
  readonly url: string;
  readonly #args: readonly string[];
  #process: Process | undefined;

  constructor(url: string, args: readonly string[]) {
    this.url = url;
    this.#args = args;
  }

  /** Starts it, or starts it again on what it kept. */
  async begin(): Promise<void> {
    this.#process = new Process("etcd", "etcd", [
      ...this.#args,
      "--heartbeat-interval",
      "50",
      "--election-timeout",
      "500",
    ]);
    await this.#process.waitFor(/ready to serve client requests|serving insecure client requests/);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  freeze(): void {
    this.#process?.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.child.kill("SIGCONT");
  }

  /** Whether it leads its cluster now. */
  async isLeader(): Promise<boolean> {
    const answer = await fetch(`${this.url}/v3/maintenance/status`, { method: "POST", body: "{}" });
    const { leader, header } = (await answer.json()) as { leader?: string; header?: { member_id?: string } };
    return leader !== undefined && leader === header?.member_id;
  }
}
