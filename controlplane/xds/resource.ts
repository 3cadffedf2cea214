import { createHash } from "node:crypto";

import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";

/** One wire form of a resource: its own version, and its bytes as a serialized `google.protobuf.Any`. */
export interface Variant {
  readonly version: string;
  readonly body: Uint8Array;
}

/**
 * How a resource that makes Envoy fetch remote Wasm code is delivered (see delivery.ts). All variants hold the same
 * content in bytes that differ, because Envoy ignores an update that is equal to one it rejected. Another query in
 * the URI of the code is difference enough, and does not change the VM.
 *
 * Filters with different modules must have a different `vm_id`. At start-up Envoy (1.37.0 to 1.40.0) names the VM of
 * remote code before it has the code, and gives two filters with the same `vm_id` the first one's module.
 */
export interface Staging {
  /** SHA-256 of the module in lower-case hex. It is the key of Envoy's code cache. */
  readonly module: string;
  /**
   * The n-th attempt, for a listener that is in service: `nack_on_code_cache_miss` is set. Its version must be the
   * resource's version followed by `+n`, or the resource's version itself for `n` = 0.
   */
  variant(n: number): Variant;
  /** For a listener that is still warming and waits for the fetch. Its version must be the resource's followed by `+w`. */
  readonly warming?: Variant;
}

/** An xDS resource, encoded once. It is immutable, and shared by all snapshots and streams that serve it. */
export interface Resource {
  readonly name: string;
  readonly typeUrl: string;
  /** Hash of the content: equal on every replica. */
  readonly version: string;
  /** The serialized `google.protobuf.Any`. A staged resource holds its variant 0 here. */
  readonly body: Uint8Array;
  readonly staged?: Staging;
  /** Other names by which a client may subscribe to it; several resources may have the same one. */
  readonly aliases?: readonly string[];
  /**
   * How long a client keeps it without hearing of it, in milliseconds. Clients that say that they support this are
   * sent heartbeats; for others it has no limit.
   */
  readonly ttlMs?: number;
}

export interface ResourceOptions {
  /** In place of the hash of the content, for a caller with versions of its own, such as a conformance test. */
  readonly version?: string;
  readonly aliases?: readonly string[];
  /** At least {@link MIN_TTL_MS}. */
  readonly ttlMs?: number;
}

/** With a shorter life, a heartbeat every third of it would be most of what is sent. */
export const MIN_TTL_MS = 300;

/** Wraps a serialized message of the type `typeUrl` into a serialized `google.protobuf.Any`. */
export function encodeAny(typeUrl: string, message: Uint8Array): Uint8Array {
  return toBinary(AnySchema, create(AnySchema, { typeUrl, value: message }));
}

/**
 * Makes a resource from its serialized message.
 *
 * The version is the first 64 bits of the SHA-256 of the body, the aliases and the time to live, so the message must be
 * serialized in the same way everywhere.
 *
 * @throws RangeError on a time to live that is too short.
 */
export function createResource(
  name: string,
  typeUrl: string,
  message: Uint8Array,
  { version, aliases, ttlMs }: ResourceOptions = {},
): Resource {
  if (ttlMs !== undefined && !(ttlMs >= MIN_TTL_MS)) {
    throw new RangeError(`resource ${name}: the time to live is ${ttlMs} ms, expected at least ${MIN_TTL_MS} ms`);
  }
  const body = encodeAny(typeUrl, message);
  const hash = (): string => contentHash(body, ...(aliases ?? []).map((alias) => `\0${alias}`), `${ttlMs ?? ""}`);
  return Object.freeze({
    name,
    typeUrl,
    version: version ?? hash(),
    body,
    ...(aliases === undefined ? {} : { aliases: Object.freeze([...aliases]) }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  });
}

/** Makes a resource that is delivered in stages. `base` is the hash of what all its variants have in common. */
export function createStagedResource(name: string, typeUrl: string, base: string, staged: Staging): Resource {
  const { version, body } = staged.variant(0);
  if (version !== base) throw new RangeError(`resource ${name}: variant 0 has version ${version}, expected ${base}`);
  if (staged.warming !== undefined && staged.warming.version !== `${base}+w`) {
    throw new RangeError(
      `resource ${name}: the warming variant has version ${staged.warming.version}, expected ${base}+w`,
    );
  }
  return Object.freeze({ name, typeUrl, version: base, body, staged });
}

/** Whether `version`, as a client reports it, is the content of `resource`: for a staged one, in any variant. */
export function isContentOf(resource: Resource, version: string): boolean {
  if (version === resource.version) return true;
  return resource.staged !== undefined && version.startsWith(`${resource.version}+`);
}

/** The first 64 bits of a SHA-256, in hex. */
export function contentHash(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 16);
}
