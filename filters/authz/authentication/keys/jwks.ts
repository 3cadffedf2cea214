// A JWK set (RFC 7517, section 5) to keys.

import { Config, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { ALGORITHMS, Algorithm } from "./algorithm";
import { Jwk, JwkErrors } from "./jwk";
import { Key } from "./key";

/** The keys of a set, or null for what is no set. */
export function listOf(set: JsonValue | null): JsonValue[] | null {
  const list: JsonValue | null = set === null ? null : set.member("keys");
  return list === null || list.kind != JsonKind.Array ? null : list.items;
}

/**
 * Reads the keys of a set in the configuration. Keys of a known type that are not as they should be are errors, and so is a set that
 * leaves no key.
 * @param path Where the set stands, for errors.
 * @param allowed The algorithms that are allowed; empty for all.
 */
export function readKeys(config: Config, path: string, set: JsonValue | null, allowed: Algorithm[]): Key[] {
  const keys: Key[] = [];
  const list = listOf(set);
  if (list === null) {
    const found = set === null ? "nothing" : set.describe();
    config.error(path, `expected a JWK set such as {"keys": [...]}, found ${found}`);
    return keys;
  }
  const errors = new ConfigJwkErrors(config);
  for (let i = 0; i < list.length; ++i) {
    errors.path = `${path}.keys[${i}]`;
    const key = new Jwk(list[i], allowed, errors).read();
    if (key !== null) keys.push(key);
  }
  if (keys.length == 0 && errors.count == 0) {
    config.error(`${path}.keys`, `expected a key for signatures with ${namesOf(allowed)}, found none`);
  }
  return keys;
}

/** Names of algorithms for a person; all for an empty list. */
export function namesOf(algorithms: Algorithm[]): string {
  if (algorithms.length == 0) return ALGORITHMS.join(", ");
  const names: string[] = [];
  for (let i = 0; i < algorithms.length; ++i) names.push(ALGORITHMS[algorithms[i]]);
  return names.join(", ");
}


@final
class ConfigJwkErrors extends JwkErrors {
  path: string = "";

  constructor(private config: Config) {
    super();
  }

  add(member: string, expected: string, found: string): void {
    this.config.error(`${this.path}.${member}`, `expected ${expected}, found ${found}`);
  }
}
