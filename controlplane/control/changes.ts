import type { Model, Resource } from "../model/index.ts";
import type { Release } from "./pipeline.ts";

/** Which resources differ between two releases, as `Kind name`; a WasmModule differs with its bytes, and a Certificate with what its files hold. */
export function changedResources(before: Release | undefined, after: Release): string[] {
  const changed: string[] = [];
  for (const kind of Object.keys(after.model) as (keyof Model)[]) {
    const now: ReadonlyMap<string, Resource> = after.model[kind];
    const old: ReadonlyMap<string, Resource> = before?.model[kind] ?? new Map<string, Resource>();
    for (const [name, is] of now) {
      const was = old.get(name);
      if (was === undefined || isChanged(was, is, before, after)) changed.push(`${is.kind} ${name}`);
    }
    for (const [name, was] of old) if (!now.has(name)) changed.push(`${was.kind} ${name}`);
  }
  return changed.sort();
}

function isChanged(was: Resource, is: Resource, before: Release | undefined, after: Release): boolean {
  if (was.kind === "Certificate" && fingerprintOf(was, before) !== fingerprintOf(was, after)) return true;
  if (was.kind === "WasmModule" && hashOf(was, before) !== hashOf(was, after)) return true;
  // Mostly one of many is new, and the others are the very same.
  return was !== is && contentOf(was) !== contentOf(is);
}

function hashOf({ metadata }: Resource, release: Release | undefined): string | undefined {
  return release?.modules.get(metadata.name)?.sha256;
}

function fingerprintOf({ metadata }: Resource, release: Release | undefined): string | undefined {
  return release?.certificates.get(metadata.name)?.fingerprint;
}

function contentOf({ metadata, spec }: Resource): string {
  return JSON.stringify([metadata, spec]);
}
