import { createHash } from "node:crypto";

/** What of a resource the version of a set depends on. */
export interface NameAndVersion {
  readonly name: string;
  readonly version: string;
}

const MASK = (1n << 128n) - 1n;

const elements = new WeakMap<NameAndVersion, bigint>();

/**
 * A hash of a set of names and versions: the sum of the hashes of its elements. It does not depend on the order, and what is
 * added to a set is added to its hash, so that a set that differs from another in little need not be hashed anew.
 */
export function sumOf(resources: Iterable<NameAndVersion>): bigint {
  let sum = 0n;
  for (const resource of resources) sum += elementOf(resource);
  return sum & MASK;
}

/** The hash of a union of two sets that have nothing in common. */
export function unionOf(a: bigint, b: bigint): bigint {
  return (a + b) & MASK;
}

/** As a version: 64 bits, in hex. */
export function versionOfSum(sum: bigint): string {
  return (sum & ((1n << 64n) - 1n)).toString(16).padStart(16, "0");
}

/** Half of a SHA-256, made once for each resource. */
function elementOf(resource: NameAndVersion): bigint {
  let element = elements.get(resource);
  if (element === undefined) {
    const { name, version } = resource;
    // A name may hold any character, so its length goes first: no two elements give the same text.
    const digest = createHash("sha256").update(`${name.length}:${name}=${version}`).digest();
    element = (digest.readBigUInt64BE(0) << 64n) | digest.readBigUInt64BE(8);
    elements.set(resource, element);
  }
  return element;
}
