/** A statistic as a node last reported it. */
export interface Stat {
  readonly value: number;
  /** When it was received, in milliseconds since the epoch. */
  readonly at: number;
}

export interface StatsOptions {
  /** Only statistics whose names start with one of these are kept. */
  readonly prefixes?: readonly string[];
  /** How many are kept of one node. Default: 2,000. */
  readonly maxPerNode?: number;
  /** Of how many nodes; the one that reported longest ago is forgotten first. Default: 20,000. */
  readonly maxNodes?: number;
}

export const DEFAULT_PREFIXES: readonly string[] = [
  "wasm.",
  "wasmcustom.",
  "extension_config_discovery.",
  "listener_manager.",
  "cluster_manager.",
  "control_plane.",
  "server.",
];

/** The latest statistics of every node, bounded in number. */
export class NodeStats {
  readonly #prefixes: readonly string[];
  readonly #maxPerNode: number;
  readonly #maxNodes: number;
  readonly #nodes = new Map<string, Map<string, Stat>>();

  constructor(options: StatsOptions = {}) {
    this.#prefixes = options.prefixes ?? DEFAULT_PREFIXES;
    this.#maxPerNode = options.maxPerNode ?? 2_000;
    this.#maxNodes = options.maxNodes ?? 20_000;
  }

  /** Whether a statistic of this name is kept. */
  keeps(name: string): boolean {
    return this.#prefixes.some((prefix) => name.startsWith(prefix));
  }

  record(nodeId: string, stats: Iterable<readonly [name: string, value: number]>, at: number): void {
    const known = this.#nodes.get(nodeId) ?? new Map<string, Stat>();
    this.#nodes.delete(nodeId);
    this.#nodes.set(nodeId, known);
    for (const [name, value] of stats) {
      if (this.keeps(name) && (known.has(name) || known.size < this.#maxPerNode)) known.set(name, { value, at });
    }
    for (const oldest of this.#nodes.keys()) {
      if (this.#nodes.size <= this.#maxNodes) break;
      this.#nodes.delete(oldest);
    }
  }

  /** The statistics of a node by name; none if it never reported any. */
  of(nodeId: string): ReadonlyMap<string, Stat> {
    return this.#nodes.get(nodeId) ?? new Map<string, Stat>();
  }
}
