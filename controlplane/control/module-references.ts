import type { Fleet } from "../fleet/index.ts";
import { remoteModules, type Journal } from "../journal/index.ts";
import type { Catalog, ModuleReferences, Pins } from "../modules/index.ts";
import type { ServedContent, VersionInReach } from "../rollout/index.ts";
import { TypeUrl } from "../xds/index.ts";
import type { LoadedModule } from "./filter-checks.ts";

/** Where modules are referred to. */
export interface ReferenceSources {
  /** The modules that the source was last seen to have, by WasmModule, whether it was taken over or not. */
  readonly read: ReadonlyMap<string, LoadedModule>;
  readonly served: readonly ServedContent<LoadedModule>[];
  readonly fleet: Pick<Fleet, "nodes">;
  readonly catalog: Catalog;
  readonly journal: Journal | undefined;
  readonly pins: Pins;
  /** How many revisions of the applied resources keep what they name by url or image. */
  readonly revisions: number;
  versionsInReach(): Promise<readonly VersionInReach[]>;
}

/** Who refers to modules: what is read and served, sidecars, Rollouts, the history of applied resources, and pins. */
export async function moduleReferences(sources: ReferenceSources): Promise<ModuleReferences> {
  const by = new Map<string, string[]>();
  const add = (sha256: string | undefined, who: string): void => {
    if (sha256 === undefined) return;
    const list = by.get(sha256);
    if (list === undefined) by.set(sha256, [who]);
    else if (!list.includes(who)) list.push(who);
  };

  const pins = await sources.pins.list();
  const pinned = new Map(pins.map(({ reference, sha256 }) => [reference, sha256]));
  for (const { reference, sha256 } of pins) add(sha256, `the pin of ${reference ?? "an image"}`);
  for (const { rollout, as, version } of await sources.versionsInReach()) {
    for (const { module } of version.resources) add(module, `Rollout ${rollout}: ${as}`);
  }
  const named = sources.journal === undefined ? [] : await remoteModules(sources.journal, sources.revisions);
  for (const { revision, name, image, sha256 } of named) {
    const who = `WasmModule ${name} of revision ${String(revision)}`;
    add(sha256, who);
    if (image !== undefined) add(pinned.get(image), who);
  }

  // What changes by itself comes last, so that nothing is waited for after it was looked at.
  for (const { modules } of sources.served) {
    for (const [name, { sha256 }] of modules) add(sha256, `WasmModule ${name}, which is served`);
  }
  for (const [name, { sha256 }] of sources.read) add(sha256, `WasmModule ${name} of the source`);

  const moduleOf = new Map(servedVersions(sources.served));
  for (const [sha256, { servedAs }] of sources.catalog.entries) {
    for (const version of servedAs) moduleOf.set(version, sha256);
  }
  const unclear: string[] = [];
  for (const { node, name, version } of heldFilters(sources.fleet)) {
    const sha256 = moduleOf.get(version);
    if (sha256 !== undefined) add(sha256, `the sidecar ${node}, which has the filter ${name} with it`);
    else
      unclear.push(`the sidecar ${node} has the filter ${name} in the version ${version}, whose module is not known`);
  }
  return { by, unclear };
}

/** The module of each filter that is served, by the version that sidecars acknowledge. */
export function servedVersions(served: readonly ServedContent<LoadedModule>[]): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const { model, translation } of served) {
    for (const policy of model.filterPolicies.keys()) {
      const filter = translation.extensionConfig(policy, "");
      if (filter?.staged !== undefined) versions.set(filter.version, filter.staged.module);
    }
  }
  return versions;
}

interface HeldFilter {
  readonly node: string;
  readonly name: string;
  readonly version: string;
}

/** What sidecars acknowledged. The attempt at which they did is no part of the version. */
function heldFilters(fleet: Pick<Fleet, "nodes">): HeldFilter[] {
  return fleet.nodes().flatMap(({ node, types }) =>
    types
      .filter(({ typeUrl }) => typeUrl === TypeUrl.extensionConfig)
      .flatMap(({ resources }) => resources)
      .flatMap(({ name, acked }) => {
        const [version = ""] = (acked ?? "").split("+");
        return version === "" ? [] : [{ node: node.id, name, version }];
      }),
  );
}
