import { resourcesOf, type Resource } from "../model/index.ts";
import type { Release } from "./pipeline.ts";

/** Which resources differ between two releases, as `Kind name`; a WasmModule differs with its bytes, and a Certificate with what its files hold. */
export function changedResources(before: Release | undefined, after: Release): string[] {
  const old = before === undefined ? new Map<string, Resource>() : byName(before);
  const now = byName(after);
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names]
    .filter((name) => {
      const [was, is] = [old.get(name), now.get(name)];
      if (was?.kind === "Certificate" && fingerprintOf(was, before) !== fingerprintOf(was, after)) return true;
      if (was?.kind === "WasmModule" && hashOf(was, before) !== hashOf(was, after)) return true;
      return was !== is && contentOf(was) !== contentOf(is);
    })
    .sort();
}

function byName({ model }: Release): Map<string, Resource> {
  return new Map(resourcesOf(model).map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource]));
}

function hashOf({ metadata }: Resource, release: Release | undefined): string | undefined {
  return release?.modules.get(metadata.name)?.sha256;
}

function fingerprintOf({ metadata }: Resource, release: Release | undefined): string | undefined {
  return release?.certificates.get(metadata.name)?.fingerprint;
}

function contentOf(resource: Resource | undefined): string | undefined {
  return resource && JSON.stringify([resource.metadata, resource.spec]);
}
