import { toBinary, create } from "@bufbuild/protobuf";

import { Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";

import { DEFAULT_DELIVERY, ProxyMemory } from "../delivery.ts";
import { DeltaStream } from "../delta.ts";
import {
  createResource,
  createSnapshot,
  createStagedResource,
  encodeAny,
  type Outcome,
  type Resource,
  type Snapshot,
  TypeUrl,
  type Variant,
} from "../index.ts";
import { SotwStream } from "../sotw.ts";
import type { Send } from "../response.ts";
import type { ClientSupport } from "../client-support.ts";
import type { Standing, StreamOptions, XdsStream } from "../stream.ts";

/** Types by the name of their discovery service. */
export const Type = {
  CDS: TypeUrl.cluster,
  EDS: TypeUrl.endpoint,
  LDS: TypeUrl.listener,
  ECDS: TypeUrl.extensionConfig,
  RDS: TypeUrl.route,
  SDS: TypeUrl.secret,
  SRDS: TypeUrl.scopedRoute,
  VHDS: TypeUrl.virtualHost,
  RTDS: TypeUrl.runtime,
} as const;

export type Type = keyof typeof Type;

const OPTIONS: StreamOptions = {
  delivery: { ...DEFAULT_DELIVERY, retryDelaysMs: [50, 150] },
  orderTimeoutMs: 15_000,
  unrelatedTimeoutMs: 1_000,
  resumeGraceMs: 1_000,
};

/**
 * A resource written as `name@version`, or `name@version>x+y` if it refers to x and y. A cluster gets its endpoints by
 * EDS, under its own name; a virtual host `a` can also be subscribed to as `a'`.
 */
export function resource(type: Type, text: string): Resource {
  const [name = "", version = ""] = text.split("@");
  const message =
    type === "CDS"
      ? toBinary(
          ClusterSchema,
          create(ClusterSchema, { name, clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS } }),
        )
      : Buffer.concat([name, version, ...referred(text)].map((value, n) => stringField(n === 0 ? 1 : 2, value)));
  const aliases = type === "VHDS" ? { aliases: [`${name}'`] } : {};
  return createResource(name, Type[type], message, { version, ...aliases });
}

/** What a resource refers to. */
export function referred(text: string): string[] {
  return text.split(">")[1]?.split("+") ?? [];
}

function stringField(number: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, value.length]), Buffer.from(value)]);
}

/** A filter written as `name@version` that needs the module `module`. */
export function filter(text: string, module: string): Resource {
  const [name = "", base = ""] = text.split("@");
  const variant = (version: string): Variant => ({ version, body: encodeAny(Type.ECDS, Buffer.from(version)) });
  return createStagedResource(name, Type.ECDS, base, {
    module,
    variant: (n) => variant(n === 0 ? base : `${base}+${n}`),
    warming: variant(`${base}+w`),
  });
}

/** What a stream is served, by type: `{ CDS: ["a@1", "b@1"] }`. */
export type Served = Partial<Record<Type, readonly (string | Resource)[]>>;

function snapshotOf(served: Served): Snapshot {
  const entries = Object.entries(served) as [Type, readonly (string | Resource)[]][];
  return createSnapshot(
    entries.flatMap(([type, list]) => list.map((r) => (typeof r === "string" ? resource(type, r) : r))),
  );
}

/** A client's side of a state machine, in short words. */
abstract class Script<Request> {
  now = 1_000;
  readonly outcomes: string[] = [];
  protected readonly stream: XdsStream<Request>;
  readonly #nonces = new Map<Type, string>();
  readonly sends: Send[] = [];

  constructor(open: (options: StreamOptions, report: (outcome: Outcome) => void) => XdsStream<Request>) {
    this.stream = open(OPTIONS, ({ kind, typeUrl, resources }) => {
      this.outcomes.push(
        `${kind} ${shortName(typeUrl)} ${resources.map(({ name, version }) => `${name}@${version}`).join(" ")}`,
      );
    });
  }

  serve(served: Served): this {
    this.stream.serve(snapshotOf(served));
    return this;
  }

  /** All responses that are due now, each as `CDS a@1 b@2 -removed`. */
  take(): string[] {
    const taken: string[] = [];
    for (let send = this.stream.next(this.now); send; send = this.stream.next(this.now)) {
      this.sends.push(send);
      const type = shortName(send.typeUrl);
      this.#nonces.set(type, send.nonce);
      const resources = send.resources.map(({ name, version }) => `${name}@${version}`);
      taken.push([type, ...resources, ...send.removed.map((name) => `-${name}`)].join(" "));
    }
    return taken;
  }

  close(): void {
    this.stream.close();
  }

  nonce(type: Type): string {
    return this.#nonces.get(type) ?? "";
  }

  get status(): ReturnType<XdsStream<Request>["status"]> {
    return this.stream.status();
  }

  /** The state of every resource, as `a synced`. */
  states(type: Type): string[] {
    const found = this.status.find(({ typeUrl }) => typeUrl === Type[type]);
    return (found?.resources ?? []).map(({ name, state }) => `${name} ${state}`);
  }

  get standing(): Standing {
    return this.stream.standing;
  }

  get wakeAt(): number | undefined {
    return this.stream.wakeAt;
  }
}

export class SotwScript extends Script<Parameters<SotwStream["request"]>[0]> {
  readonly #names = new Map<Type, readonly string[]>();

  /** @param earlier what it may have been served before. */
  constructor(memory = new ProxyMemory(), client: ClientSupport = { ttl: false }, earlier: readonly Served[] = []) {
    super((options, report) => new SotwStream(options, memory, client, report, () => earlier.map(snapshotOf)));
  }

  ask(
    type: Type,
    names: readonly string[] = [],
    more: { version?: string; nonce?: string; error?: string } = {},
  ): this {
    this.#names.set(type, names);
    this.stream.request({ typeUrl: Type[type], names, version: "", nonce: "", ...more }, this.now);
    return this;
  }

  /** Accepts the last response of a type, with the same names or others. */
  ack(type: Type, names = this.#names.get(type) ?? []): this {
    const version = this.version(type);
    return this.ask(type, names, { nonce: this.nonce(type), version });
  }

  nack(type: Type, names = this.#names.get(type) ?? []): this {
    return this.ask(type, names, { nonce: this.nonce(type), error: "no" });
  }

  /** `version_info` of the last response of a type. */
  version(type: Type): string {
    return this.sends.findLast(({ typeUrl }) => typeUrl === Type[type])?.version ?? "";
  }
}

export class DeltaScript extends Script<Parameters<DeltaStream["request"]>[0]> {
  constructor(memory = new ProxyMemory(), client: ClientSupport = { ttl: false }) {
    super((options, report) => new DeltaStream(options, memory, client, report));
  }

  /** Names are subscribed to, `-name` unsubscribes, and `name=version` is reported as held. */
  ask(type: Type, names: readonly string[] = [], more: { nonce?: string; error?: string } = {}): this {
    const plain = names.filter((name) => !name.includes("="));
    const reported = names.filter((name) => name.includes("=")).map((text) => text.split("=") as [string, string]);
    this.stream.request(
      {
        typeUrl: Type[type],
        subscribe: plain.filter((name) => !name.startsWith("-")),
        unsubscribe: plain.filter((name) => name.startsWith("-")).map((name) => name.slice(1)),
        initialVersions: new Map(reported),
        nonce: "",
        ...more,
      },
      this.now,
    );
    return this;
  }

  ack(type: Type, names: readonly string[] = []): this {
    return this.ask(type, names, { nonce: this.nonce(type) });
  }

  nack(type: Type, names: readonly string[] = []): this {
    return this.ask(type, names, { nonce: this.nonce(type), error: "no" });
  }
}

export function shortName(typeUrl: string): Type {
  const found = (Object.keys(Type) as Type[]).find((type) => Type[type] === typeUrl);
  if (found === undefined) throw new Error(`unexpected type ${typeUrl}`);
  return found;
}
