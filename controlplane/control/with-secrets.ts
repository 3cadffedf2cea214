import { snapshotOf, TypeUrl, type Resource, type ResourceSet, type Snapshot } from "../xds/index.ts";

/** A snapshot with other secrets. @param secretsOf makes them of those that it has, which may come of an EnvoyPatch. */
export function withSecrets(snapshot: Snapshot, secretsOf: (present: readonly Resource[]) => ResourceSet): Snapshot {
  const others = [...snapshot.sets.values()].filter(({ typeUrl }) => typeUrl !== TypeUrl.secret);
  const present = [...(snapshot.sets.get(TypeUrl.secret)?.resources.values() ?? [])];
  return snapshotOf([secretsOf(present), ...others]);
}
