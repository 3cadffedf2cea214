import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Logger } from "pino";
import type { Fleet } from "../fleet/index.ts";
import type { Notices } from "../store/index.ts";
import type { LeadReport } from "./peers.ts";
import { nodeRow, toText, type NodeRow, type PostedLead, type PostedRun } from "./report.ts";

/** Among how many notices the sidecars are divided: one that comes or goes costs the writing of one of them. */
const SHARDS = 16;

/** Posts what this control plane knows of its sidecars, for the others on the same store. What did not change is not posted again. */
export class Reporter {
  readonly #notices: Notices;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #posted = new Map<string, string>();
  #nodes: { readonly revision: number; readonly labels: string } | undefined;

  /** @param prefix of the names of the notices. */
  constructor(notices: Notices, prefix: string, log: Logger) {
    this.#notices = notices;
    this.#prefix = prefix;
    this.#log = log;
  }

  /**
   * Who is connected.
   * @param labels the keys of metadata that waves pick by.
   */
  nodes(fleet: Pick<Fleet, "connectedNodes" | "revision">, labels: ReadonlySet<string>): void {
    const key = JSON.stringify([...labels].sort());
    const { revision } = fleet;
    if (this.#nodes?.revision === revision && this.#nodes.labels === key) return;
    this.#nodes = { revision, labels: key };
    const shards = Array.from({ length: SHARDS }, (): NodeRow[] => []);
    for (const info of fleet.connectedNodes()) shards[shardOf(info.id)]?.push(nodeRow(info, labels));
    for (const [shard, rows] of shards.entries()) {
      const name = `nodes/${shard}`;
      if (rows.length === 0) this.#remove(name);
      else
        this.#post(
          name,
          rows.sort(([a], [b]) => (a < b ? -1 : 1)),
        );
    }
  }

  /** All runs that are under way. */
  runs(runs: readonly PostedRun[]): void {
    const names = new Set(runs.map(({ rollout }) => nameOf(rollout)));
    for (const run of runs) this.#post(nameOf(run.rollout), run);
    for (const name of [...this.#posted.keys()]) if (name.startsWith("run/") && !names.has(name)) this.#remove(name);
  }

  /** What the one that leads has to tell; undefined where this one does not lead. */
  lead(
    lead:
      | {
          readonly runs: readonly (readonly [rollout: string, report: LeadReport])[];
          readonly blocked: ReadonlyMap<string, string>;
        }
      | undefined,
  ): void {
    if (lead === undefined) this.#remove("lead");
    else this.#post("lead", { runs: lead.runs, blocked: [...lead.blocked] } satisfies PostedLead);
  }

  /** Everything is gone at once: sidecars that go now have not lost their streams by a new version. */
  async withdraw(): Promise<void> {
    await this.#notices.withdraw();
  }

  #post(name: string, value: unknown): void {
    const text = toText(value);
    const digest = createHash("sha256").update(text).digest("base64");
    if (this.#posted.get(name) === digest) return;
    try {
      this.#notices.post(this.#prefix + name, gzipSync(text));
      this.#posted.set(name, digest);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#log.error({ err: error }, `the other control planes are not told of ${name}: ${error.message}`);
    }
  }

  #remove(name: string): void {
    if (this.#posted.delete(name)) this.#notices.remove(this.#prefix + name);
  }
}

/** A name of a Rollout may be longer than that of a notice. */
function nameOf(rollout: string): string {
  return `run/${createHash("sha256").update(rollout).digest("hex").slice(0, 16)}`;
}

function shardOf(node: string): number {
  return createHash("sha256").update(node).digest().readUInt8(0) % SHARDS;
}
