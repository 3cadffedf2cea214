import type { Held } from "./held.ts";
import type { Resource } from "./resource.ts";

export interface DeliveryOptions {
  /**
   * How long after the first listeners of a fresh proxy a filter may still be pushed for a warming listener,
   * in milliseconds. It must be below the `initial_fetch_timeout` of the filter's configuration source.
   */
  readonly warmingWindowMs: number;
  /**
   * Pauses before each further attempt, in milliseconds. A fetch may take 10 s, so all of them together must be longer than that.
   * Each attempt is another fetch, whose module Envoy takes also while it remembers for 10 s that one failed (measured with 1.37.0,
   * 1.39.3 and 1.40.0), and a chance to see that Envoy has the module and does not take the filter. That fetches come to nothing is
   * told earlier by statistics (`rollout/fetches.ts`).
   */
  readonly retryDelaysMs: readonly number[];
  /**
   * The number of the first attempt at a proxy that was running before this control plane was. It differs from
   * process to process, because Envoy takes bytes that it has rejected before for no change, and acknowledges them.
   */
  readonly firstAttempt: number;
}

export const DEFAULT_DELIVERY: DeliveryOptions = {
  warmingWindowMs: 10_000,
  retryDelaysMs: [50, 150, 500, 1_000, 3_000, 3_000, 3_000, 5_000],
  firstAttempt: 0,
};

/** Envoy drops a module from its code cache 24 h after a configuration last named it. */
const CACHE_LIFETIME_MS = 23 * 3_600_000;

/** Of each type: what a client may come back with. */
const KEPT_STATES = 4;

/** What is known of one proxy across its streams. */
export class ProxyMemory {
  readonly #states = new Map<string, Map<string, ReadonlyMap<string, Held>>>();
  readonly #modules = new Map<string, number>();
  readonly #attempts = new Map<string, { readonly version: string; readonly n: number }>();
  readonly #forms = new Map<string, { readonly version: string; readonly form: Resource }>();

  /** The proxy is a new process. */
  clear(): void {
    this.#modules.clear();
    this.#attempts.clear();
    this.#forms.clear();
  }

  /** State of the world: what the proxy holds of a type if it says that it has this version. */
  keepState(typeUrl: string, version: string, held: ReadonlyMap<string, Held>): void {
    const states = this.#states.get(typeUrl) ?? new Map<string, ReadonlyMap<string, Held>>();
    this.#states.set(typeUrl, states);
    states.delete(version);
    states.set(version, held);
    for (const oldest of states.keys()) if (states.size > KEPT_STATES) states.delete(oldest);
  }

  /** What it holds at this version; `undefined` if that is not known. */
  state(typeUrl: string, version: string): ReadonlyMap<string, Held> | undefined {
    return this.#states.get(typeUrl)?.get(version);
  }

  /** The proxy accepted a resource that it refuses without this module. */
  addModule(module: string, now: number): void {
    for (const [known, at] of this.#modules) if (now - at > CACHE_LIFETIME_MS) this.#modules.delete(known);
    this.#modules.set(module, now);
  }

  /**
   * Whether the proxy certainly has this module in its code cache. What it reports when it reconnects does not count:
   * the cache may have forgotten the module that it runs.
   */
  hasModule(module: string, now: number): boolean {
    const at = this.#modules.get(module);
    return at !== undefined && now - at <= CACHE_LIFETIME_MS;
  }

  /** The form in which the proxy accepted a resource; undefined if that is not known, or it has accepted another since. */
  acceptedForm({ name, version }: Resource): Resource | undefined {
    const accepted = this.#forms.get(name);
    return accepted?.version === version ? accepted.form : undefined;
  }

  setAcceptedForm({ name, version }: Resource, form: Resource): void {
    this.#forms.set(name, { version, form });
  }

  /** Numbers the next attempt at a resource so that no two of the same content have the same bytes. */
  nextAttempt(resource: Resource, first: number): number {
    const last = this.#attempts.get(resource.name);
    const n = last?.version === resource.version ? last.n + 1 : first;
    this.#attempts.set(resource.name, { version: resource.version, n });
    return n;
  }
}

interface Attempt {
  /** The version that all variants share. */
  readonly version: string;
  readonly rejections: number;
  /** Whether Envoy had the module when it was sent, so that a rejection can only be about the filter itself. */
  readonly conclusive: boolean;
  readonly retryAt: number;
}

/**
 * Delivers filters that make Envoy fetch their code, on one stream.
 *
 * A listener in service acknowledges a module that it does not have, and passes requests by the filter. So it gets the
 * resource with `nack_on_code_cache_miss`: Envoy rejects it, keeps the old filter and fetches the module; sent again
 * in other bytes, it is accepted. That first rejection is no failure. Only a listener that is still warming waits for
 * a fetch.
 *
 * The text of a rejection does not help to tell the one from the other. Envoy 1.37.0, 1.39.3 and 1.40.0, in both
 * variants of the protocol, say `Unable to create Wasm plugin <name>` each time:
 *
 * | cause | fetches | what else differs |
 * | --- | --- | --- |
 * | the module is not in the cache | 1 | `wasm.remote_load_cache_misses` |
 * | its fetch is in progress | 1 more | `wasm.remote_load_cache_misses`, and then `..._negative_hits` |
 * | a fetch failed in the last 10 s, or gave another SHA-256 | 1 more | `wasm.remote_load_cache_negative_hits` |
 * | the filter refused its configuration | 0 | `wasm.remote_load_cache_hits`, `wasm.envoy.wasm.runtime.v8.created` by 2 |
 *
 * So a rejection counts as the filter's own when the module is known to be there, or when no attempt is left.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #memory: ProxyMemory;
  readonly #attempts = new Map<string, Attempt>();
  #fresh = false;

  constructor(options: DeliveryOptions, memory: ProxyMemory) {
    this.#options = options;
    this.#memory = memory;
  }

  /** The proxy is a new process: what was known of it no longer holds. */
  startFresh(): void {
    this.#fresh = true;
    this.#memory.clear();
  }

  /** When this resource may be sent; not after `now`: at once. */
  readyAt(resource: Resource, now: number): number {
    const attempt = this.#attempts.get(resource.name);
    if (attempt?.version !== resource.version) return now;
    const brought = !attempt.conclusive && resource.staged && this.#memory.hasModule(resource.staged.module, now);
    return brought ? now : attempt.retryAt;
  }

  /**
   * The form in which to send it now.
   *
   * @param listenersSentAt when this stream was first sent listeners, if it was.
   * @param had the version of just this that the proxy has, if it is to be sent the very bytes that it has once more.
   */
  send(
    resource: Resource,
    { listenersSentAt, had }: { readonly listenersSentAt: number | undefined; readonly had: string | undefined },
    now: number,
  ): Resource {
    const { staged } = resource;
    if (staged === undefined) return resource;
    const before = this.#attempts.get(resource.name);
    const conclusive = this.#memory.hasModule(staged.module, now);
    const rejections = before?.version === resource.version ? before.rejections : 0;
    this.#attempts.set(resource.name, { version: resource.version, rejections, conclusive, retryAt: now });
    const form = had === undefined ? undefined : (this.#memory.acceptedForm(resource) ?? reportedForm(resource, had));
    if (form !== undefined) return form;
    const warming =
      this.#fresh &&
      before === undefined &&
      listenersSentAt !== undefined &&
      now - listenersSentAt < this.#options.warmingWindowMs;
    if (warming && !conclusive && staged.warming !== undefined) return formOf(resource, "w");
    return formOf(resource, this.#memory.nextAttempt(resource, this.#fresh ? 0 : this.#options.firstAttempt));
  }

  accepted(resource: Resource, form: Resource, now: number): void {
    // What a listener in service gets in the form for a warming one, it would pass requests by.
    if (resource.staged && form.version !== resource.staged.warming?.version) {
      this.#memory.addModule(resource.staged.module, now);
      this.#memory.setAcceptedForm(resource, form);
    }
  }

  /** Whether the rejection was to be expected and another attempt follows. */
  rejected(resource: Resource, now: number): boolean {
    const attempt = this.#attempts.get(resource.name);
    if (!resource.staged || attempt === undefined || attempt.conclusive) return false;
    const delay = this.#options.retryDelaysMs[attempt.rejections];
    if (delay === undefined) return false;
    this.#attempts.set(resource.name, { ...attempt, rejections: attempt.rejections + 1, retryAt: now + delay });
    return true;
  }

  /** Whether the proxy rejected this content at least once and was given time to fetch the module. */
  isPrewarming(resource: Resource): boolean {
    const attempt = this.#attempts.get(resource.name);
    return attempt?.version === resource.version && attempt.rejections > 0;
  }

  /** The client dropped the names for which `keep` is false. */
  retain(keep: (name: string) => boolean): void {
    for (const name of this.#attempts.keys()) if (!keep(name)) this.#attempts.delete(name);
  }
}

/** The form whose version a proxy reported. That for a warming listener is none to send to one that may be in service. */
function reportedForm(resource: Resource, version: string): Resource | undefined {
  const n = version === resource.version ? 0 : Number(/\+(\d{1,9})$/.exec(version)?.[1] ?? NaN);
  return Number.isNaN(n) ? undefined : formOf(resource, n);
}

type Form = number | "w";

const forms = new WeakMap<Resource, Map<Form, Resource>>();

/** A variant as a resource, made once for all streams. */
function formOf(resource: Resource, form: Form): Resource {
  let known = forms.get(resource);
  if (known === undefined) {
    known = new Map([[0, resource]]);
    forms.set(resource, known);
  }
  let made = known.get(form);
  if (made === undefined) {
    const { name, typeUrl, staged } = resource;
    const variant = form === "w" ? staged?.warming : staged?.variant(form);
    if (variant === undefined) throw new Error(`resource ${name} has no variant ${form}`);
    made = Object.freeze({ name, typeUrl, version: variant.version, body: variant.body });
    known.set(form, made);
  }
  return made;
}
