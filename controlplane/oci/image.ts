import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { createTar } from "nanotar";

/**
 * How a module is put into an image; both are of the Wasm Image Specification, and Istio and Envoy Gateway take both.
 * `compat`: an ordinary image of one layer with the file plugin.wasm, which every registry takes.
 * `oci`: an artifact whose layers are the module itself and a description of it.
 */
export type Variant = "compat" | "oci";

/** Content by its digest. */
export interface Blob {
  readonly mediaType: string;
  /** `sha256:` and lower-case hex. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface Image {
  readonly manifest: Blob;
  /** The configuration and the layers. */
  readonly blobs: readonly Blob[];
}

export interface ImageOptions {
  readonly variant: Variant;
  readonly abiVersion: string;
  /** The plugins in the module; for the description in the variant `oci`. */
  readonly rootIds: readonly string[];
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
/** Layers that are a module: of the Wasm Image Specification, and of the CNCF's Wasm artifacts. */
export const MODULE_TYPES: readonly [string, ...string[]] = [
  "application/vnd.module.wasm.content.layer.v1+wasm",
  "application/wasm",
];

/** An image of a module. The same module gives the same bytes, so the same digest. */
export function createImage(module: Uint8Array, options: ImageOptions): Image {
  return options.variant === "compat" ? compatImage(module) : ociImage(module, options);
}

function compatImage(module: Uint8Array): Image {
  const attrs = { mode: "644", uid: 0, gid: 0, mtime: 0, user: "", group: "" };
  const tar = createTar([{ name: "plugin.wasm", data: module, attrs }]);
  const layer = blob("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(tar, { level: 9 }));
  const config = jsonBlob("application/vnd.oci.image.config.v1+json", {
    architecture: "wasm",
    os: "wasip1",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  });
  return image(config, [{ blob: layer }], { "module.wasm.image/variant": "compat" });
}

function ociImage(module: Uint8Array, { abiVersion, rootIds }: ImageOptions): Image {
  const description = jsonBlob("application/vnd.module.wasm.config.v1+json", {
    type: "envoy_proxy",
    abiVersions: [abiVersion],
    config: { root_ids: rootIds },
  });
  const content = blob(MODULE_TYPES[0], module);
  return image(jsonBlob("application/vnd.unknown.config.v1+json", {}), [
    { blob: description, title: "runtime-config.json" },
    { blob: content, title: "filter.wasm" },
  ]);
}

interface Layer {
  readonly blob: Blob;
  /** The name of the file that tools write it to. */
  readonly title?: string;
}

function image(config: Blob, layers: readonly Layer[], annotations?: Readonly<Record<string, string>>): Image {
  const manifest = jsonBlob(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(config),
    layers: layers.map(({ blob, title }) => ({
      ...descriptor(blob),
      ...(title === undefined ? {} : { annotations: { "org.opencontainers.image.title": title } }),
    })),
    ...(annotations === undefined ? {} : { annotations }),
  });
  return { manifest, blobs: [config, ...layers.map(({ blob }) => blob)] };
}

export function descriptor({ mediaType, digest, bytes }: Blob): object {
  return { mediaType, digest, size: bytes.length };
}

function jsonBlob(mediaType: string, value: object): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function blob(mediaType: string, bytes: Uint8Array): Blob {
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** `sha256:` and lower-case hex. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
