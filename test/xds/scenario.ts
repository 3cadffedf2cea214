import assert from "node:assert/strict";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack, type Any } from "@bufbuild/protobuf/wkt";
import { ServerCredentials } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../controlplane/gen/envoy/config/cluster/v3/cluster_pb.js";
import {
  type Resource as WireResource,
  ResourceSchema,
} from "../../controlplane/gen/envoy/service/discovery/v3/discovery_pb.js";
import {
  createResource,
  createSnapshot,
  type Protocol,
  type Resource,
  XdsServer,
} from "../../controlplane/xds/index.ts";
import { deltaWire, sotwWire } from "../../controlplane/xds/testdata/client.ts";
import { Type } from "../../controlplane/xds/testdata/script.ts";

/**
 * A step of a scenario, as a line of text:
 *
 * - `serve CDS a@1 b@1 | RDS r@1`: what is served from now on, and nothing else. `a@1~400` lives for 400 ms, `a@1=x=y` has
 *   the aliases x and y.
 * - `ask RDS a b`: a request that answers nothing. Incremental: `-c` unsubscribes, and `d=1` is held already.
 *   State of the world: `v=last` says that the client holds the version of the last response.
 * - `ack RDS`, `nack RDS`: the answer to the last response of the type; with names that differ, or those before.
 * - `old RDS a`: a request with the nonce of the first response of the type.
 * - `> RDS a@1 b@1 -c`: the next response. A heartbeat is `a@1~`, a virtual host that does not exist `a@`.
 * - `same version`: the last two responses of a type had the same version.
 * - `silence`: nothing comes. What proves it is the change of a type of its own, whose response is the next one.
 * - `reconnect`: a new stream of the same node.
 */
export type Step = string;

/** The type whose changes prove silence. A stream serves unknown types last, so what was due has come before. */
const MARKER = "type.googleapis.com/marker";

/** A response, whatever its variant. */
interface Received {
  readonly type: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly string[];
}

interface Request {
  readonly typeUrl: string;
  readonly names: readonly string[];
  readonly nonce: string;
  readonly isNack: boolean;
}

/** One client's stream. */
interface Client {
  send(request: Request, lastVersion: string): void;
  next(): Promise<Received>;
  close(): void;
}

/** Plays the steps on an aggregated stream, against a server of its own. @throws an AssertionError on the first that fails. */
export async function play(
  protocol: Protocol,
  steps: readonly Step[],
  features: readonly string[] = [],
): Promise<void> {
  const stage = new Stage(protocol, features);
  await stage.open();
  try {
    for (const [index, step] of steps.entries()) {
      await stage.step(step).catch((error: unknown) => {
        throw new Error(`step ${index + 1}, "${step}": ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      });
    }
  } finally {
    await stage.close();
  }
}

class Stage {
  readonly #protocol: Protocol;
  readonly #features: readonly string[];
  readonly #server = new XdsServer({ source: { snapshot: () => this.#snapshot() }, observer: new Fleet() });
  readonly #names = new Map<string, readonly string[]>();
  readonly #received = new Map<string, Received[]>();
  #served: readonly Resource[] = [];
  #marker = 0;
  #port = 0;
  #client: Client | undefined;

  constructor(protocol: Protocol, features: readonly string[]) {
    this.#protocol = protocol;
    this.#features = features;
  }

  async open(): Promise<void> {
    this.#port = await this.#server.listen("127.0.0.1:0", ServerCredentials.createInsecure());
    await this.#connect();
  }

  async close(): Promise<void> {
    this.#client?.close();
    await this.#server.close();
  }

  async step(step: Step): Promise<void> {
    const [verb = "", ...words] = step.split(" ");
    const [type = "", ...names] = words;
    switch (verb) {
      case "serve":
        this.#served = step.slice(verb.length).split("|").flatMap(resources);
        this.#server.update();
        return;
      case "ask":
        this.#send(type, names, "", false);
        return;
      case "ack":
      case "nack":
        this.#send(type, names.length > 0 ? names : this.#namesOf(type), this.#last(type).nonce, verb === "nack");
        return;
      case "old":
        this.#send(type, names, this.#received.get(type)?.[0]?.nonce ?? "", false);
        return;
      case ">": {
        const { type: got, resources: list } = await this.#next();
        assert.equal([got, ...list].join(" "), words.join(" "));
        return;
      }
      case "same": {
        const [before, now] = (this.#received.get(this.#lastType) ?? []).slice(-2);
        assert.ok(now !== undefined && before?.version === now.version, `${before?.version} and ${now?.version}`);
        return;
      }
      case "silence":
        return this.#expectMarker();
      case "reconnect":
        this.#client?.close();
        return this.#connect();
      default:
        throw new Error("no such step");
    }
  }

  #lastType = "";

  async #next(): Promise<Received> {
    assert.ok(this.#client);
    const received = await this.#client.next();
    const list = this.#received.get(received.type) ?? [];
    const nonces = [...this.#received.values()].flat().map(({ nonce }) => nonce);
    assert.ok(received.nonce !== "", "R5: a response has a nonce");
    assert.ok(!nonces.includes(received.nonce), "R5: a nonce is used once");
    this.#received.set(received.type, [...list, received]);
    this.#lastType = received.type;
    return received;
  }

  /** The first request of a stream is that for the marker, and the only one with the node (R2). */
  async #connect(): Promise<void> {
    const node = { id: "node", cluster: "c", clientFeatures: [...this.#features] };
    this.#received.clear();
    this.#client = this.#protocol === "sotw" ? sotwClient(this.#port, node) : deltaClient(this.#port, node);
    this.#send(MARKER, ["marker"], "", false);
    await this.#expectMarker();
  }

  async #expectMarker(): Promise<void> {
    this.#marker++;
    this.#server.update();
    const lastType = this.#lastType;
    for (;;) {
      const { type, resources: list } = await this.#next();
      assert.equal(type, MARKER, `expected silence, and got ${[type, ...list].join(" ")}`);
      this.#send(MARKER, this.#protocol === "sotw" ? ["marker"] : [], this.#last(MARKER).nonce, false);
      if (list[0] === `marker@${this.#marker}`) break;
    }
    this.#lastType = lastType;
  }

  #send(type: string, names: readonly string[], nonce: string, isNack: boolean): void {
    this.#names.set(
      type,
      names.filter((name) => !name.startsWith("v=")),
    );
    const version = this.#versions.get(type) ?? "";
    this.#client?.send({ typeUrl: typeUrlOf(type), names, nonce, isNack }, version);
  }

  #namesOf(type: string): readonly string[] {
    return this.#protocol === "sotw" ? (this.#names.get(type) ?? []) : [];
  }

  readonly #versions = new Map<string, string>();

  #last(type: string): Received {
    const last = this.#received.get(type)?.at(-1);
    assert.ok(last, `no response of ${type} to answer`);
    this.#versions.set(type, last.version);
    return last;
  }

  #snapshot() {
    const marker = createResource("marker", MARKER, Buffer.from(`marker@${this.#marker}`), {
      version: `${this.#marker}`,
    });
    return createSnapshot([...this.#served, marker]);
  }
}

function sotwClient(port: number, node: object): Client {
  const stream = sotwWire(port);
  let first: object = { node };
  return {
    send: ({ typeUrl, names, nonce, isNack }, lastVersion) => {
      const known = nonce !== "" || names.includes("v=last");
      stream.send({
        ...first,
        typeUrl,
        resourceNames: names.filter((name) => !name.startsWith("v=")),
        versionInfo: known ? lastVersion : "",
        responseNonce: nonce,
        ...(isNack ? { errorDetail: { code: 3, message: "refused" } } : {}),
      });
      first = {};
    },
    next: async () => {
      const { typeUrl, nonce, versionInfo, resources: list } = await stream.next();
      return { type: typeOf(typeUrl), nonce, version: versionInfo, resources: list.map(textOfAny) };
    },
    close: () => stream.close(),
  };
}

function deltaClient(port: number, node: object): Client {
  const stream = deltaWire(port);
  let first: object = { node };
  return {
    send: ({ typeUrl, names, nonce, isNack }) => {
      const plain = names.filter((name) => !name.includes("="));
      stream.send({
        ...first,
        typeUrl,
        resourceNamesSubscribe: plain.filter((name) => !name.startsWith("-")),
        resourceNamesUnsubscribe: plain.filter((name) => name.startsWith("-")).map((name) => name.slice(1)),
        initialResourceVersions: Object.fromEntries(
          names.filter((name) => name.includes("=")).map((held) => held.split("=") as [string, string]),
        ),
        responseNonce: nonce,
        ...(isNack ? { errorDetail: { code: 3, message: "refused" } } : {}),
      });
      first = {};
    },
    next: async () => {
      const { typeUrl, nonce, systemVersionInfo: version, resources: list, removedResources } = await stream.next();
      const removed = removedResources.map((name) => `-${name}`);
      return { type: typeOf(typeUrl), nonce, version, resources: [...list.map(textOfResource), ...removed] };
    },
    close: () => stream.close(),
  };
}

/** `name@version` of the body, where there is one; in the state of the world nothing else has the version. */
function textOfAny(any: Any): string {
  const wrapped = anyUnpack(any, ResourceSchema);
  if (wrapped) return textOfResource(wrapped);
  return any.typeUrl === Type.CDS
    ? fromBinary(ClusterSchema, any.value).altStatName
    : Buffer.from(any.value).toString();
}

function textOfResource({ name, version, resource, ttl }: WireResource): string {
  if (resource === undefined) return `${name}@${version}${ttl === undefined ? "" : "~"}`;
  assert.equal(textOfAny(resource), `${name}@${version}`);
  return `${name}@${version}`;
}

/** `CDS a@1 b@1` */
function resources(text: string): Resource[] {
  const [type = "", ...list] = text.trim().split(" ");
  return list.map((word) => {
    const [described = "", ...aliases] = word.split("=");
    const [named = "", life] = described.split("~");
    const [name = "", version = ""] = named.split("@");
    return createResource(name, typeUrlOf(type), body(type, name, named), {
      version,
      ...(aliases.length === 0 ? {} : { aliases }),
      ...(life === undefined ? {} : { ttlMs: Number(life) }),
    });
  });
}

/** A cluster is a real one, since the server reads which endpoints it needs. */
function body(type: string, name: string, text: string): Uint8Array {
  if (type !== "CDS") return Buffer.from(text);
  const discovery = { case: "type", value: Cluster_DiscoveryType.EDS } as const;
  return toBinary(ClusterSchema, create(ClusterSchema, { name, altStatName: text, clusterDiscoveryType: discovery }));
}

function typeUrlOf(type: string): string {
  return (Type as Record<string, string>)[type] ?? type;
}

function typeOf(typeUrl: string): string {
  return Object.entries(Type).find(([, url]) => url === typeUrl)?.[0] ?? typeUrl;
}
