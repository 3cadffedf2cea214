import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createTar } from "nanotar";
import { descriptor, INDEX_TYPE, type Image } from "./image.ts";

/**
 * Writes an image as an OCI image layout: into a folder, or into one file if the path ends in `.tar`. Tools such as skopeo, crane and
 * podman read both.
 */
export function writeLayout(image: Image, tag: string, out: string): void {
  const files = layoutFiles(image, tag);
  if (out.endsWith(".tar")) {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, createTar(files.map(([name, data]) => ({ name, data, attrs: { mode: "644", mtime: 0 } }))));
    return;
  }
  for (const [name, data] of files) {
    const file = join(out, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data);
  }
}

function layoutFiles(image: Image, tag: string): [name: string, data: Uint8Array][] {
  const index = {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: [{ ...descriptor(image.manifest), annotations: { "org.opencontainers.image.ref.name": tag } }],
  };
  return [
    ["oci-layout", json({ imageLayoutVersion: "1.0.0" })],
    ["index.json", json(index)],
    ...[image.manifest, ...image.blobs].map(({ digest, bytes }): [string, Uint8Array] => [
      `blobs/${digest.replace(":", "/")}`,
      bytes,
    ]),
  ];
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
