import type { Credentials } from "./credentials.ts";
import type { Blob, Image } from "./image.ts";
import type { Reference } from "./reference.ts";
import { Registry } from "./registry.ts";

/**
 * Pushes an image by the OCI distribution specification, under its tag or else its digest.
 * @throws OciError when the registry cannot be reached, or refuses.
 */
export async function pushImage(image: Image, to: Reference, credentials: Credentials | undefined): Promise<void> {
  const registry = new Registry(to, credentials, "push");
  for (const blob of image.blobs) await putBlob(registry, blob);
  await putManifest(registry, image.manifest, to.tag ?? image.manifest.digest);
}

/** @param at tag or digest. */
export async function putManifest(registry: Registry, { bytes, mediaType, digest }: Blob, at: string): Promise<void> {
  const stored = await registry.send(registry.url(`manifests/${at}`), {
    method: "PUT",
    body: bytes,
    type: mediaType,
  });
  if (stored.status !== 201) throw await registry.refusal(`the manifest ${digest}`, stored);
}

export async function putBlob(registry: Registry, { digest, bytes }: Blob): Promise<void> {
  const known = await registry.send(registry.url(`blobs/${digest}`), { method: "HEAD" });
  if (known.ok) return;
  const upload = await registry.send(registry.url("blobs/uploads/"), { method: "POST" });
  const location = upload.headers.get("location");
  if (upload.status !== 202 || location === null) throw await registry.refusal("an upload", upload);
  const target = new URL(location, registry.origin);
  target.searchParams.set("digest", digest);
  const stored = await registry.send(target, { method: "PUT", body: bytes, type: "application/octet-stream" });
  if (stored.status !== 201) throw await registry.refusal(`the blob ${digest}`, stored);
}
