// This worker as a client of a lease service: envoy.service.rate_limit_quota.v3.RateLimitQuotaService.
//
// It reports on a bucket again only when the answer has come, counts an answer from when the report was sent, and tells again what
// was told on a stream that broke. So the service knows at any time the most that this worker can let pass, however long
// messages take. The metadata says that it is such a client.

import {
  Bytes,
  Counter,
  Duration,
  GrpcMethod,
  GrpcService,
  GrpcStatus,
  GrpcStream,
  ProtobufMapEntry,
  ProtobufReader,
  ProtobufWriter,
  Status,
  Timer,
  hash64,
  logInfo,
  logWarn,
  monotonicTimeNanoseconds,
  randomU64,
} from "proxy-wasm-assemblyscript-sdk";
import { Lease, entryHash } from "./lease";
import { Strategy, readDuration } from "./strategy";

const SERVICE: string = "envoy.service.rate_limit_quota.v3.RateLimitQuotaService";
const METHOD: string = "StreamRateLimitQuotas";

// @ts-ignore: decorator
@inline const MILLISECOND: u64 = 1_000_000;
/** How often it looks what is to be reported. */
const STEP: i64 = 50;
/** Every so many steps it looks at all buckets, and not just at those that wait. */
const STEPS_A_SWEEP: i32 = 4;
/** Buckets in one report. */
const MAX_REPORTED: i32 = 500;
/** How long an answer may take. */
const PATIENCE: u64 = 5_000 * MILLISECOND;
const MIN_BACKOFF: u64 = 100 * MILLISECOND;
const MAX_BACKOFF: u64 = 10_000 * MILLISECOND;
/** What a bucket without a lease has for a time to live. */
const FIRST_TIME_TO_LIVE: u64 = 1_000 * MILLISECOND;

/** The stream to the service. */
@final
class LeaseStream extends GrpcStream {
  constructor(private client: LeaseClient) {
    super();
  }

  onMessage(message: Bytes): void {
    this.client.receive(message);
  }

  onClose(status: GrpcStatus, message: string): void {
    this.client.broken(`status ${status} ${message}`);
  }
}

/** The buckets of this worker in one domain of one service. */
@final
export class LeaseClient extends Timer {
  private method: GrpcMethod;
  private stream: LeaseStream | null = null;
  private leases: Lease[] = [];
  private byId: Map<u64, Lease> = new Map<u64, Lease>();
  private queue: Lease[] = [];
  /** Buckets of which the last report is not answered. */
  private unanswered: i32 = 0;
  private reportedAt: u64 = 0;
  private backoff: u64 = MIN_BACKOFF;
  private reconnectAt: u64 = 0;
  private steps: i32 = 0;
  /** How many buckets were forgotten. */
  forgotten: u32 = 0;
  private isNamed: bool = false;
  private wasBroken: bool = false;
  /** Hashes ids, so that clients cannot choose ones that collide. */
  readonly seed: u64 = randomU64();
  private brokenStreams: Counter = new Counter("ratelimit.lease_streams_broken");

  /** @param cluster Of the service. */
  constructor(
    readonly cluster: string,
    readonly domain: string,
  ) {
    super();
    const id = `${randomU64().toString(16)}-${monotonicTimeNanoseconds().toString(16)}`;
    this.method = new GrpcMethod(GrpcService.cluster(cluster), SERVICE, METHOD).metadata("x-meshwright-sidecar", id);
  }

  start(): void {
    this.startPeriodic(Duration.milliseconds(STEP));
  }

  /** Takes a new bucket. Null where there is another one of the same hash. */
  add(id: Bytes, idHash: u64, key: u64): Lease | null {
    if (this.byId.has(idHash)) return null;
    const lease = new Lease(id.copy(), idHash, key);
    lease.index = this.leases.length;
    this.leases.push(lease);
    this.byId.set(idHash, lease);
    this.want(lease);
    return lease;
  }

  /** Has the bucket reported with the next report. */
  want(lease: Lease): void {
    if (lease.isQueued || lease.isTold) return;
    lease.isQueued = true;
    this.queue.push(lease);
  }

  onTime(): void {
    const now = monotonicTimeNanoseconds();
    if (++this.steps % STEPS_A_SWEEP == 0) this.sweep(now);
    if (this.unanswered > 0) {
      if (now - this.reportedAt < PATIENCE) return;
      const stream = this.stream;
      if (stream !== null) stream.cancel();
      this.broken("no answer in time");
    }
    if (this.queue.length && this.open(now)) this.report(now);
  }

  /** The stream is over. */
  broken(reason: string): void {
    this.stream = null;
    this.unanswered = 0;
    this.isNamed = false;
    for (let i = 0; i < this.leases.length; ++i) {
      const lease = this.leases[i];
      if (!lease.isTold) continue;
      lease.untell();
      this.want(lease);
    }
    // Workers and sidecars do not all come back at one time.
    this.reconnectAt = monotonicTimeNanoseconds() + this.backoff / 2 + (randomU64() % (this.backoff / 2));
    this.backoff = min(this.backoff * 2, MAX_BACKOFF);
    this.brokenStreams.increment();
    if (!this.wasBroken) logWarn(`leases of ${this.domain}: no stream to ${this.cluster}: ${reason}`);
    this.wasBroken = true;
  }

  receive(message: Bytes): void {
    const now = monotonicTimeNanoseconds();
    this.backoff = MIN_BACKOFF;
    if (this.wasBroken) logInfo(`leases of ${this.domain}: the stream to ${this.cluster} is there again`);
    this.wasBroken = false;
    const reader = ProtobufReader.of(message);
    while (reader.next()) if (reader.field == 1) this.act(reader.content, now);
  }

  private act(action: Bytes, now: u64): void {
    let lease: Lease | null = null;
    let strategy: Strategy | null = null;
    let timeToLive: u64 = 0;
    const reader = ProtobufReader.of(action);
    while (reader.next()) {
      if (reader.field == 1) {
        const hash = idHash(reader.content, this.seed);
        lease = this.byId.has(hash) ? this.byId.get(hash) : null;
      } else if (reader.field == 2) {
        const assignment = ProtobufReader.of(reader.content);
        while (assignment.next()) {
          if (assignment.field == 2) timeToLive = readDuration(assignment.content);
          else if (assignment.field == 3) strategy = Strategy.read(assignment.content);
        }
      }
    }
    if (lease === null) return;
    if (lease.isTold) --this.unanswered;
    // Told to forget it, or something that this filter does not know: then there is no lease.
    if (strategy === null) lease.drop();
    else lease.take(strategy, timeToLive, now);
  }

  /** Lets buckets report in time for their next lease, and forgets those that have none and nothing to tell. */
  private sweep(now: u64): void {
    for (let i = this.leases.length - 1; i >= 0; --i) {
      const lease = this.leases[i];
      if (lease.isTold || lease.isQueued) continue;
      if (!lease.isValid(now) && !lease.allowed && !lease.denied) {
        this.forget(lease);
        continue;
      }
      const period = (lease.timeToLive ? lease.timeToLive : FIRST_TIME_TO_LIVE) / 3;
      if (now - lease.toldAt >= period) this.want(lease);
    }
  }

  private forget(lease: Lease): void {
    const last = this.leases.pop();
    if (last !== lease) {
      this.leases[lease.index] = last;
      last.index = lease.index;
    }
    lease.index = -1;
    ++this.forgotten;
    this.byId.delete(lease.idHash);
  }

  /** Whether there is a stream. */
  private open(now: u64): bool {
    if (this.stream !== null) return true;
    if (now < this.reconnectAt) return false;
    const stream = new LeaseStream(this);
    const status = this.method.open(stream);
    if (status != Status.Ok) {
      this.broken(`it cannot be opened, status ${status}`);
      return false;
    }
    this.stream = stream;
    return true;
  }

  private report(now: u64): void {
    const writer = ProtobufWriter.create(1024);
    if (!this.isNamed) writer.string(1, this.domain);
    const count = min(this.queue.length, MAX_REPORTED);
    let written = 0;
    for (let i = 0; i < count; ++i) {
      const lease = this.queue[i];
      lease.isQueued = false;
      if (lease.index < 0) continue;
      const usage = writer.beginMessage(2);
      writer.bytes(1, Bytes.of(lease.id));
      const elapsed = lease.toldAt ? now - lease.toldAt : 0;
      const duration = writer.beginMessage(2);
      writer.varint(1, elapsed / 1_000_000_000).varint(2, elapsed % 1_000_000_000);
      writer.endMessage(duration);
      writer.varint(3, lease.allowed).varint(4, lease.denied);
      writer.endMessage(usage);
      lease.tell(now);
      ++written;
    }
    this.queue = this.queue.slice(count);
    if (written == 0) return;
    this.unanswered = written;
    this.reportedAt = now;
    this.isNamed = true;
    const stream = this.stream;
    if (stream === null || stream.send(writer.message) != Status.Ok) this.broken("it cannot be written to");
  }
}

/** The hash of a serialized `BucketId`. */
export function idHash(id: Bytes, seed: u64): u64 {
  let hash: u64 = seed;
  const reader = ProtobufReader.of(id);
  while (reader.next()) {
    if (reader.field != 1) continue;
    const entry = ProtobufMapEntry.read(reader.content);
    if (entry !== null) hash += entryHash(hash64(entry.key, seed), hash64(entry.value, ~seed));
  }
  return hash;
}

/** The clients of this worker, one for each domain of a service. */
export class LeaseClients {
  private clients: LeaseClient[] = [];

  of(cluster: string, domain: string): LeaseClient {
    for (let i = 0; i < this.clients.length; ++i) {
      const client = this.clients[i];
      if (client.cluster == cluster && client.domain == domain) return client;
    }
    const client = new LeaseClient(cluster, domain);
    client.start();
    this.clients.push(client);
    return client;
  }
}
