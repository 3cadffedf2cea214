// How much a limit lets pass, and where it is counted: its own rate, or one of its overrides.

import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { LeaseClients } from "./fleet/lease-client";
import { LeaseStore } from "./fleet/lease-store";
import { WithoutLease } from "./fleet/leases-config";
import { LimitConfig, RateConfig, Scope } from "./limit-config";
import { BucketStore, StoreCounters } from "./scopes/bucket-store";
import { MemoryStorage } from "./scopes/memory-storage";
import { SharedStorage } from "./scopes/shared-storage";
import { Storage } from "./scopes/storage";
import { Store } from "./scopes/store";
import { WAYS } from "./scopes/bucket-set";

/** One rate of a limit. Each has buckets of its own. */
@final
export class Rate {
  /** Null where all that comes may pass. */
  store: Store | null = null;
  /** Hits that pass at once while nothing is used. */
  quota: u64 = 0;
  /** The rate as `ratelimit-policy` has it. */
  policy: Uint8Array = new Uint8Array(0);
  /** Whether what is charged is given back at the end of the request. */
  isHeld: bool = false;
  /** Microseconds in which it must be renewed until then. */
  renewal: u64 = 0;

  /**
   * @param name Of the limit, and of the override behind a slash.
   * @param seed What keys are hashed with.
   */
  constructor(
    name: string,
    rate: RateConfig,
    limit: LimitConfig,
    readonly seed: u64,
    counters: StoreCounters,
    clients: LeaseClients,
  ) {
    const algorithm = rate.algorithm;
    if (algorithm !== null) {
      const sets = limit.slots / WAYS;
      const storage: Storage =
        limit.scope == Scope.Worker ? new MemoryStorage(sets) : new SharedStorage(`${rate.kind}/${name}`, sets);
      this.store = new BucketStore(algorithm, storage, counters);
      this.quota = algorithm.quota;
      const window = algorithm.window ? `;w=${algorithm.window}` : "";
      const unit = algorithm.quotaUnit.length ? `;qu="${algorithm.quotaUnit}"` : "";
      this.policy = Bytes.utf8(`"${limit.name}";q=${algorithm.quota}${unit}${window}`).copy();
      this.isHeld = algorithm.isHeld;
      this.renewal = algorithm.renewal;
    }
    const leases = limit.leases;
    if (leases !== null) {
      const local: Store | null = leases.withoutLease == WithoutLease.Limit ? this.store : null;
      const client = clients.of(leases.cluster, leases.domain);
      this.store = new LeaseStore(limit.name, limit.key, leases, client, local, limit.slots);
    }
  }
}

/** What keys of a limit are hashed with: the parts of the key are mixed in, so that another key finds new buckets. */
export function seedOf(limit: LimitConfig, seed: u64): u64 {
  const ids: string[] = [];
  for (let i = 0; i < limit.key.length; ++i) ids.push(limit.key[i].id);
  return hash64(Bytes.utf8(ids.join("\n")), seed);
}
