import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { parseTar } from "nanotar";
import { readBody } from "./body.ts";
import type { Credentials } from "./credentials.ts";
import { digestOf, INDEX_TYPE, MANIFEST_TYPE, MODULE_TYPES } from "./image.ts";
import type { Reference } from "./reference.ts";
import { reasonOf, Registry } from "./registry.ts";

const MANIFEST_TYPES = [MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json"];
const INDEX_TYPES = [INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"];
const LAYER_TYPES = [
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.oci.image.layer.v1.tar",
];
/** The specification's limit for manifests. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** A module, and the manifest that names it. */
export interface PulledModule {
  readonly digest: string;
  /** That of the manifest, and that of the index which names it, if there is one: whoever signs either signs the module. */
  readonly digests: readonly string[];
  readonly bytes: Uint8Array;
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly platform?: { readonly architecture?: string };
  readonly annotations?: Readonly<Record<string, unknown>>;
}

interface Manifest {
  readonly mediaType?: string;
  readonly manifests?: readonly Descriptor[];
  readonly layers?: readonly Descriptor[];
}

/**
 * Pulls the module of an image in either variant of the Wasm Image Specification: an artifact whose layer is the module, or an image
 * whose last layer holds `plugin.wasm`. Everything is checked against its digest.
 * @param limit of the module, in bytes.
 * @throws OciError when the registry cannot be reached or refuses, or the image has no module in it.
 */
export async function pullModule(
  from: Reference,
  credentials: Credentials | undefined,
  limit: number,
): Promise<PulledModule> {
  const registry = new Registry(from, credentials, "fetch");
  const found = await readManifest(registry, from.digest ?? from.tag ?? "latest");
  const { manifest, digest } = found.manifest.manifests === undefined ? found : await chooseManifest(registry, found);
  const layers = manifest.layers ?? [];
  const module = layers.find(({ mediaType }) => MODULE_TYPES.includes(mediaType ?? ""));
  const digests = [...new Set([digest, found.digest])];
  if (module !== undefined) return { digest, digests, bytes: await readBlob(registry, module, limit) };
  const layer = layers.findLast(({ mediaType }) => LAYER_TYPES.includes(mediaType ?? ""));
  if (layer === undefined) {
    const types = layers.map(({ mediaType }) => mediaType ?? "none").join(", ");
    throw registry.fault(
      `the image has no module in it: expected a layer ${MODULE_TYPES.join(" or ")}, or an image with plugin.wasm; found ${types}`,
    );
  }
  return { digest, digests, bytes: await moduleOf(registry, await readBlob(registry, layer, limit), limit) };
}

interface FoundManifest {
  readonly manifest: Manifest;
  readonly digest: string;
}

async function readManifest(registry: Registry, at: string): Promise<FoundManifest> {
  return manifestOf(registry, at, await askManifest(registry, at));
}

/** Undefined when there is none. */
export async function findManifest(registry: Registry, at: string): Promise<FoundManifest | undefined> {
  const answer = await askManifest(registry, at);
  if (answer.status !== 404) return manifestOf(registry, at, answer);
  await answer.body?.cancel();
  return undefined;
}

function askManifest(registry: Registry, at: string): Promise<Response> {
  return registry.send(registry.url(`manifests/${at}`), { method: "GET", accept: [...MANIFEST_TYPES, ...INDEX_TYPES] });
}

async function manifestOf(registry: Registry, at: string, answer: Response): Promise<FoundManifest> {
  if (answer.status !== 200) throw await registry.refusal(`the manifest ${at}`, answer);
  const bytes = await bodyOf(registry, answer, `the manifest ${at}`, MANIFEST_LIMIT);
  const digest = digestOf(bytes);
  if (at.includes(":") && digest !== at) throw registry.fault(`the manifest ${at} is another: its digest is ${digest}`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(bytes.toString());
  } catch {
    // Said below.
  }
  if (!isManifest(manifest)) throw registry.fault(`the manifest ${at} is none of an image`);
  return { manifest, digest };
}

/** Of an image for several platforms, the one for Wasm, or else the first. */
function chooseManifest(registry: Registry, { manifest }: FoundManifest): Promise<FoundManifest> {
  const choices = manifest.manifests ?? [];
  const chosen = choices.find(({ platform }) => /^wasm/.test(platform?.architecture ?? "")) ?? choices[0];
  if (chosen?.digest === undefined) throw registry.fault("its index names no manifest");
  return readManifest(registry, chosen.digest);
}

export async function readBlob(registry: Registry, { digest = "", size }: Descriptor, limit: number): Promise<Buffer> {
  if (size !== undefined && size > limit) {
    throw registry.fault(`the layer ${digest} has ${String(size)} bytes, expected at most ${String(limit)}`);
  }
  const answer = await registry.send(registry.url(`blobs/${digest}`), { method: "GET" });
  if (answer.status !== 200) throw await registry.refusal(`the layer ${digest}`, answer);
  const bytes = await bodyOf(registry, answer, `the layer ${digest}`, limit);
  if (digestOf(bytes) !== digest)
    throw registry.fault(`the layer ${digest} is another: its digest is ${digestOf(bytes)}`);
  return bytes;
}

async function moduleOf(registry: Registry, layer: Buffer, limit: number): Promise<Uint8Array> {
  let files;
  try {
    const isGzip = layer[0] === 0x1f && layer[1] === 0x8b;
    // Room for the headers of the archive, and no more for a layer that is made to burst.
    files = parseTar(isGzip ? await promisify(gunzip)(layer, { maxOutputLength: limit + 1024 * 1024 }) : layer);
  } catch (error) {
    throw registry.fault(`its layer is no archive of at most ${String(limit)} bytes: ${reasonOf(error)}`);
  }
  const module = files.find(({ name }) => name === "plugin.wasm" || name === "./plugin.wasm");
  if (module?.data === undefined) throw registry.fault("its last layer has no file plugin.wasm");
  return module.data;
}

async function bodyOf(registry: Registry, answer: Response, what: string, limit: number): Promise<Buffer> {
  try {
    return await readBody(answer, limit);
  } catch (error) {
    throw registry.fault(`${what}: ${reasonOf(error)}`);
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { layers, manifests } = value as { layers?: unknown; manifests?: unknown };
  return (
    [layers, manifests].some((list) => isDescriptors(list)) &&
    [layers, manifests].every((list) => list === undefined || isDescriptors(list))
  );
}

function isDescriptors(list: unknown): boolean {
  return Array.isArray(list) && list.every((one) => typeof one === "object" && one !== null);
}
