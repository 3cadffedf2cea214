/** Which statistics are kept when nothing else is said; those of `DEFAULT_PATTERN` too. */
export const DEFAULT_PREFIXES: readonly string[] = [
  "http.inbound.downstream_rq_",
  "http.outbound.downstream_rq_",
  "wasm.",
  "wasmcustom.",
  "extension_config_discovery.",
  "listener_manager.",
  "cluster_manager.",
  "control_plane.",
  "server.",
];

/**
 * Of clusters, what tells of their health, and of the one that modules come from whether they came; not what Envoy splits up once more by
 * where a request came from.
 */
const DEFAULT_PATTERN =
  /^cluster\.(?:(?!meshwright-).*(?<!\.(?:internal|external|canary))\.upstream_rq_(?:completed|5xx|timeout|pending_overflow)|meshwright-modules\.upstream_rq_(?:[245]xx|active))$/;

/** Longer names are none of Envoy's. */
const MAX_LENGTH = 512;
const MAX_REMEMBERED = 50_000;

/**
 * Decides which statistics are kept, and keeps one copy of each name: those of a fleet are alike, and a copy for each
 * sidecar would take more than all the values.
 */
export class KeptNames {
  readonly #prefixes: readonly string[];
  readonly #pattern: RegExp | undefined;
  readonly #remembered = new Map<string, string | undefined>();

  /**
   * @param prefixes those whose names start with one of them.
   * @param pattern and those whose names match it.
   */
  constructor(prefixes: readonly string[], pattern?: RegExp) {
    this.#prefixes = prefixes;
    this.#pattern = pattern;
  }

  /** What judgement of a fleet needs, and what else starts with one of `more`. */
  static default(more: readonly string[] = []): KeptNames {
    return new KeptNames([...DEFAULT_PREFIXES, ...more], DEFAULT_PATTERN);
  }

  /** The one copy of the name if statistics of this name are kept. */
  find(name: string): string | undefined {
    if (this.#remembered.has(name)) return this.#remembered.get(name);
    // Made up names must not fill the memory; real ones are soon here again.
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    if (name.length > MAX_LENGTH) return undefined;
    const isKept = this.#prefixes.some((prefix) => name.startsWith(prefix)) || this.#pattern?.test(name) === true;
    const found = isKept ? name : undefined;
    this.#remembered.set(name, found);
    return found;
  }
}
