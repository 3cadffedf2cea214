import { type Change, versionOf } from "./held.ts";

/** A resource that a response was about. */
export interface NamedVersion {
  readonly name: string;
  /** Empty for a resource that was removed. */
  readonly version: string;
}

/**
 * A client's answer to a response. `prewarming` is an expected rejection: the proxy has to fetch the module first, and
 * another attempt follows.
 */
export type Outcome = {
  readonly typeUrl: string;
  readonly resources: readonly NamedVersion[];
  /** When the response was made; milliseconds since the epoch. */
  readonly sentAt: number;
} & ({ readonly kind: "acked" } | { readonly kind: "rejected" | "prewarming"; readonly message: string });

const versionsOf = new WeakMap<readonly Change[], readonly NamedVersion[]>();

/** What changes were about. Made once for changes that many streams have. */
export function namedVersions(changes: readonly Change[]): readonly NamedVersion[] {
  let named = versionsOf.get(changes);
  if (named === undefined)
    versionsOf.set(changes, (named = changes.map(({ name, wanted }) => ({ name, version: versionOf(wanted) }))));
  return named;
}
