import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

import { type Node, NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import { StatusSchema } from "#gen/google/rpc/status_pb.js";

import type { DeltaRequest } from "./delta.ts";
import { type Entry, KnownEntries } from "./known-entries.ts";
import { NameLists } from "./name-lists.ts";
import type { NodeInfo } from "./node.ts";
import type { SotwRequest } from "./sotw.ts";

/** A request with the node that it names; only the first of a stream needs to. */
export interface Decoded<Request> {
  readonly node: NodeInfo | undefined;
  readonly request: Request;
}

/** Envoy's messages for a rejection can be as long as the configuration; what is kept of them is not. */
const MAX_ERROR_LENGTH = 4_096;

/** What an Envoy that can run filters has among its extensions. The filter alone is not enough: a build may have it without an engine. */
const WASM_EXTENSIONS = ["envoy.filters.http.wasm", "envoy.wasm.runtime.v8"];

const lists = new NameLists();
const entries = new KnownEntries(readEntry);

/*
 * Read field by field: with thousands of clients most of what comes is acknowledgements, and long lists of names that
 * were read before.
 */

/** Reads a serialized `DiscoveryRequest`. @throws an Error on bytes that are none. */
export function decodeSotw(bytes: Uint8Array): Decoded<SotwRequest> {
  const fields = new Fields(bytes);
  let node: NodeInfo | undefined;
  let [version, typeUrl, nonce] = ["", "", ""];
  let names: readonly string[] = [];
  let error: string | undefined;
  while (fields.next()) {
    if (fields.number === 1) version = fields.string();
    else if (fields.number === 2) node = nodeInfo(fromBinary(NodeSchema, fields.bytes()));
    else if (fields.number === 3) names = fields.names(names);
    else if (fields.number === 4) typeUrl = fields.string();
    else if (fields.number === 5) nonce = fields.string();
    else if (fields.number === 6) error = fields.error();
    else fields.skip();
  }
  return { node, request: { typeUrl, names, version, nonce, ...(error === undefined ? {} : { error }) } };
}

/** Reads a serialized `DeltaDiscoveryRequest`. @throws an Error on bytes that are none. */
export function decodeDelta(bytes: Uint8Array): Decoded<DeltaRequest> {
  const fields = new Fields(bytes);
  let node: NodeInfo | undefined;
  let [typeUrl, nonce] = ["", ""];
  let [subscribe, unsubscribe]: (readonly string[])[] = [[], []];
  const initialVersions = new Map<string, string>();
  let error: string | undefined;
  while (fields.next()) {
    if (fields.number === 1) node = nodeInfo(fromBinary(NodeSchema, fields.bytes()));
    else if (fields.number === 2) typeUrl = fields.string();
    else if (fields.number === 3) subscribe = fields.names(subscribe);
    else if (fields.number === 4) unsubscribe = fields.names(unsubscribe);
    else if (fields.number === 5) fields.entry(initialVersions);
    else if (fields.number === 6) nonce = fields.string();
    else if (fields.number === 7) error = fields.error();
    else fields.skip();
  }
  return {
    node,
    request: {
      typeUrl,
      subscribe: subscribe ?? [],
      unsubscribe: unsubscribe ?? [],
      initialVersions,
      nonce,
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** The fields of a message, one after the other. */
class Fields {
  number = 0;
  readonly #bytes: Uint8Array;
  readonly #reader: BinaryReader;
  #wireType = WireType.Varint;
  #start = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new BinaryReader(bytes);
  }

  next(): boolean {
    if (this.#reader.pos >= this.#reader.len) return false;
    this.#start = this.#reader.pos;
    [this.number, this.#wireType] = this.#reader.tag();
    return true;
  }

  skip(): void {
    this.#reader.skip(this.#wireType, this.number);
  }

  bytes(): Uint8Array {
    this.#expectLength();
    return this.#reader.bytes();
  }

  string(): string {
    this.#expectLength();
    return this.#reader.string(true);
  }

  /** Adds this entry of a repeated string, and those that follow it. */
  names(before: readonly string[] = []): readonly string[] {
    this.#expectLength();
    const tag = (this.number << 3) | WireType.LengthDelimited;
    // A tag may be written in more bytes than it needs.
    if (this.#bytes[this.#start] !== tag) return [...before, this.#reader.string(true)];
    const { names, end } = lists.read(this.#bytes, this.#start, tag);
    this.#reader.pos = end;
    return before.length === 0 ? names : [...before, ...names];
  }

  /** Adds this entry to a map. */
  entry(to: Map<string, string>): void {
    this.#expectLength();
    const length = this.#reader.uint32();
    const start = this.#reader.pos;
    const end = start + length;
    if (end > this.#bytes.length) throw new RangeError("premature EOF");
    this.#reader.pos = end;
    const { key, value } = entries.read(this.#bytes, start, end);
    to.set(key, value);
  }

  error(): string {
    const { message } = fromBinary(StatusSchema, this.bytes());
    return message.length > MAX_ERROR_LENGTH ? `${message.slice(0, MAX_ERROR_LENGTH)}...` : message;
  }

  #expectLength(): void {
    if (this.#wireType !== WireType.LengthDelimited)
      throw new Error(`field ${this.number} has the wire type ${this.#wireType}, expected ${WireType.LengthDelimited}`);
  }
}

function readEntry(bytes: Uint8Array): Entry {
  const fields = new Fields(bytes);
  let [key, value] = ["", ""];
  while (fields.next()) {
    if (fields.number === 1) key = fields.string();
    else if (fields.number === 2) value = fields.string();
    else fields.skip();
  }
  return { key, value };
}

/** The part of a node that a control plane decides by. */
export function nodeInfo(node: Node): NodeInfo {
  const { userAgentVersionType: agent, locality } = node;
  return {
    id: node.id,
    cluster: node.cluster,
    metadata: node.metadata ?? {},
    locality: { region: locality?.region ?? "", zone: locality?.zone ?? "", subZone: locality?.subZone ?? "" },
    userAgentName: node.userAgentName,
    userAgentVersion: agent.case === "userAgentVersion" ? agent.value : buildVersion(agent.value),
    ...(node.extensions.length === 0
      ? {}
      : { hasWasm: WASM_EXTENSIONS.every((needed) => node.extensions.some(({ name }) => name === needed)) }),
    features: node.clientFeatures,
  };
}

function buildVersion(build: Exclude<Node["userAgentVersionType"]["value"], string>): string {
  const version = build?.version;
  return version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "";
}
