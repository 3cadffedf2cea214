// The scope `fleet` by leases: what is counted by the whole fleet, decided by this worker alone.

import { Bytes, Counter, ProtobufWriter, monotonicTimeNanoseconds } from "proxy-wasm-assemblyscript-sdk";
import { RequestValue } from "../../common/values/request-value";
import { Store, Verdict } from "../scopes/store";
import { LeasesConfig, WithoutLease } from "./leases-config";
import { Lease } from "./lease";
import { LeaseClient, idHash } from "./lease-client";
import { toldValue } from "./told-value";

/** Longer values are told by their hash. */
const MAX_VALUE: i32 = 128;
const LIMIT: Uint8Array = Bytes.utf8("limit").copy();

/** Decides by the lease of a key, and without one by `withoutLease`. */
@final
export class LeaseStore extends Store {
  private leases: Map<u64, Lease> = new Map<u64, Lease>();
  private lease: Lease | null = null;
  private names: Uint8Array[] = [];
  private limit: Uint8Array;
  private key: u64 = 0;
  private hits: u64 = 1;
  private now: u64 = 0;
  /** Whether the local store decided. */
  private isLocal: bool = false;
  /** The client's count of forgotten buckets when this store last dropped them. */
  private dropped: u32 = 0;
  private unleased: Counter;

  /**
   * @param limit Its name, which is part of each bucket's id.
   * @param values What the limit counts by.
   * @param local Decides without a lease; null where nothing does.
   * @param max Buckets at most.
   */
  constructor(
    limit: string,
    private values: RequestValue[],
    private config: LeasesConfig,
    private client: LeaseClient,
    private local: Store | null,
    private max: i32,
  ) {
    super();
    this.limit = Bytes.utf8(limit).copy();
    this.unleased = new Counter(`ratelimit.${limit}.unleased`);
    for (let i = 0; i < config.names.length; ++i) this.names.push(Bytes.utf8(config.names[i]).copy());
  }

  look(key: u64, hits: u64): Verdict {
    this.now = monotonicTimeNanoseconds();
    this.key = key;
    this.hits = hits;
    const lease = this.find(key);
    this.lease = lease;
    this.isLocal = false;
    if (lease === null || !lease.isValid(this.now)) return this.lookWithout(lease, key, hits);
    if (lease.hasRoom(hits, this.now)) return Verdict.Allowed;
    this.refused(lease, hits);
    return Verdict.Limited;
  }

  take(): Verdict {
    const local = this.local;
    const lease = this.lease;
    if (this.isLocal && local !== null) {
      const verdict = local.take();
      if (verdict != Verdict.Allowed) {
        if (lease !== null) this.refused(lease, this.hits);
        return verdict;
      }
    }
    if (lease !== null) this.charge(lease, this.hits);
    return Verdict.Allowed;
  }

  get takenAt(): u64 {
    const local = this.local;
    return this.isLocal && local !== null ? local.takenAt : 0;
  }

  giveBack(key: u64, hits: u64, takenAt: u64): void {
    const lease = this.known(key);
    if (lease !== null) lease.giveBack(hits);
    const local = this.local;
    if (takenAt && local !== null) local.giveBack(key, hits, takenAt);
  }

  add(key: u64, hits: u64): void {
    const lease = this.known(key);
    if (lease !== null) this.charge(lease, hits);
    const local = this.local;
    if (local !== null && (lease === null || !lease.isValid(monotonicTimeNanoseconds()))) local.add(key, hits);
  }

  renew(key: u64, takenAt: u64): u64 {
    return takenAt;
  }

  get remaining(): u64 {
    const local = this.local;
    if (this.isLocal) return local === null ? 0 : local.remaining;
    const lease = this.lease;
    return lease === null ? 0 : lease.remaining;
  }

  get secondsUntilRoom(): u64 {
    const local = this.local;
    // Whether the fleet has something left is known with the next lease, which can be soon.
    return this.isLocal && local !== null ? local.secondsUntilRoom : 1;
  }

  get secondsUntilUnused(): u64 {
    const local = this.local;
    if (this.isLocal && local !== null) return local.secondsUntilUnused;
    const lease = this.lease;
    return lease === null ? 0 : lease.secondsLeft(this.now);
  }

  private lookWithout(lease: Lease | null, key: u64, hits: u64): Verdict {
    this.isLocal = true;
    this.unleased.increment();
    const local = this.local;
    let verdict = this.config.withoutLease == WithoutLease.Allow ? Verdict.Allowed : Verdict.Limited;
    if (local !== null) verdict = local.look(key, hits);
    if (verdict != Verdict.Allowed && lease !== null) this.refused(lease, hits);
    return verdict;
  }

  private charge(lease: Lease, hits: u64): void {
    lease.charge(hits);
    if (lease.isLow) this.client.want(lease);
  }

  private refused(lease: Lease, hits: u64): void {
    lease.denied += hits;
    this.client.want(lease);
  }

  private known(key: u64): Lease | null {
    if (!this.leases.has(key)) return null;
    const lease = this.leases.get(key);
    return lease.index < 0 ? null : lease;
  }

  /** The bucket of a key, a new one if there is room. */
  private find(key: u64): Lease | null {
    const known = this.known(key);
    if (known !== null) return known;
    if (this.leases.size >= this.max) this.dropForgotten();
    if (this.leases.size >= this.max) return null;
    const id = this.bucketId();
    const lease = this.client.add(id, idHash(id, this.client.seed), key);
    if (lease !== null) this.leases.set(key, lease);
    return lease;
  }

  private dropForgotten(): void {
    if (this.dropped == this.client.forgotten) return;
    this.dropped = this.client.forgotten;
    const keys = this.leases.keys();
    for (let i = 0; i < keys.length; ++i) {
      if (this.leases.get(keys[i]).index < 0) this.leases.delete(keys[i]);
    }
  }

  /** The id of the current request's bucket: the limit's name, and the values by their names. */
  private bucketId(): Bytes {
    const writer = ProtobufWriter.create(256);
    writer.mapEntry(1, Bytes.of(LIMIT), Bytes.of(this.limit));
    for (let i = 0; i < this.values.length; ++i) {
      const value = this.values[i].read();
      writer.mapEntry(1, Bytes.of(this.names[i]), value === null ? Bytes.at(0, 0) : toldValue(value, MAX_VALUE));
    }
    return writer.message;
  }
}
