import type { Credentials } from "./credentials.ts";
import { descriptor, digestOf, MANIFEST_TYPE, type Blob } from "./image.ts";
import { putManifest, putBlob } from "./push.ts";
import { findManifest, readBlob } from "./pull.ts";
import type { Reference } from "./reference.ts";
import { Registry } from "./registry.ts";

const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION = "dev.cosignproject.cosign/signature";
/** Payloads are a few hundred bytes. */
const PAYLOAD_LIMIT = 64 * 1024;
/** An image may be signed by several; nobody is made to look at more. */
const MAX_SIGNATURES = 50;

/** A text that was signed, and its signature in base64, as cosign keeps them with an image. */
export interface SignedPayload {
  readonly payload: Uint8Array;
  readonly signature: string;
}

/** The tag under which cosign keeps the signatures of an image with this digest. */
function tagOf(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/**
 * The signatures of an image, none if it has none. Nothing of them is verified but their digests.
 * @throws OciError when the registry cannot be reached or refuses.
 */
export async function pullSignatures(
  from: Reference,
  digest: string,
  credentials: Credentials | undefined,
): Promise<readonly SignedPayload[]> {
  const registry = new Registry(from, credentials, "fetch");
  const found = await findManifest(registry, tagOf(digest));
  const layers = (found?.manifest.layers ?? []).filter(({ mediaType }) => mediaType === PAYLOAD_TYPE);
  const signatures: SignedPayload[] = [];
  for (const layer of layers.slice(0, MAX_SIGNATURES)) {
    const signature: unknown = layer.annotations?.[ANNOTATION];
    if (typeof signature !== "string") continue;
    signatures.push({ payload: await readBlob(registry, layer, PAYLOAD_LIMIT), signature });
  }
  return signatures;
}

/**
 * Adds a signature to those that an image has.
 * @throws OciError
 */
export async function pushSignature(
  to: Reference,
  digest: string,
  { payload, signature }: SignedPayload,
  credentials: Credentials | undefined,
): Promise<void> {
  const before = await pullSignatures(to, digest, credentials);
  const registry = new Registry(to, credentials, "push");
  const all = [...before, { payload, signature }];
  const layers = all.map((one) => ({ ...one, blob: blobOf(PAYLOAD_TYPE, one.payload) }));
  const config = blobOf(
    "application/vnd.oci.image.config.v1+json",
    Buffer.from(
      JSON.stringify({
        architecture: "",
        os: "",
        config: {},
        rootfs: { type: "layers", diff_ids: layers.map(({ blob }) => blob.digest) },
      }),
    ),
  );
  const manifest = blobOf(
    MANIFEST_TYPE,
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor(config),
        layers: layers.map((layer) => ({ ...descriptor(layer.blob), annotations: { [ANNOTATION]: layer.signature } })),
      }),
    ),
  );
  for (const blob of [config, ...layers.map(({ blob }) => blob)]) await putBlob(registry, blob);
  await putManifest(registry, manifest, tagOf(digest));
}

function blobOf(mediaType: string, bytes: Uint8Array): Blob {
  return { mediaType, digest: digestOf(bytes), bytes };
}
