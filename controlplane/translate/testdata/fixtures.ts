import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { AnySchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { formatProblem, loadModel } from "../../model/index.ts";
import type { Model } from "../../model/index.ts";
import type { Snapshot, Variant } from "../../xds/index.ts";
import { translate } from "../index.ts";
import type { ModuleRef, Translation } from "../index.ts";

const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(new URL("../../gen/descriptors.binpb", import.meta.url))),
);

export const meshText = readFileSync(new URL("mesh.yaml", import.meta.url), "utf8");

export function modelOf(...texts: string[]): Model {
  const result = loadModel(texts.map((text, index) => ({ path: `${index}.yaml`, text })));
  assert.ok(result.ok, result.ok ? "" : result.problems.map(formatProblem).join("\n"));
  return result.model;
}

export const meshModules: ReadonlyMap<string, ModuleRef> = new Map([
  ["authz", { sha256: "a".repeat(64), size: 1000 }],
  ["ab-routing", { sha256: "b".repeat(64), size: 2000 }],
]);

export function translated(model: Model, modules = meshModules, previous?: Translation): Translation {
  const settings = { modulesAuthority: "meshwright:8080", modulesCluster: "meshwright-modules" };
  return translate(model, modules, settings, previous);
}

export function snapshotOf(translation: Translation, id: string): Snapshot {
  const service = translation.sidecars.get(id)?.service.metadata.name ?? "";
  const result = translation.snapshotFor({ id, cluster: service });
  assert.ok(result.snapshot, result.snapshot === undefined ? result.reason : "");
  return result.snapshot;
}

/** A resource as Envoy's JSON, with "@type". */
export function resourceJson({ body }: Pick<Variant, "body">): JsonObject {
  return toJson(AnySchema, fromBinary(AnySchema, body), { registry }) as JsonObject;
}

/** All resources of a snapshot by type and name, as Envoy's JSON. */
export function snapshotJson(snapshot: Snapshot): Record<string, JsonObject[]> {
  return Object.fromEntries(
    [...snapshot.sets].map(([typeUrl, { resources }]) => [typeUrl, [...resources.values()].map(resourceJson)]),
  );
}
