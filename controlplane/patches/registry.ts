import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

let registry: FileRegistry | undefined;

/** Every message of Envoy's API, by its name. Read when it is first needed: most meshes have no use for it. */
export function envoyRegistry(): FileRegistry {
  const path = new URL(import.meta.resolve("#gen/descriptors.binpb"));
  return (registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path))));
}
