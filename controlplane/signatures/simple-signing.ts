import { sign, type KeyObject } from "node:crypto";
import type { TrustedKey } from "./keys.ts";
import { SignatureError, verifyPlain } from "./verify.ts";

/** What is signed of an image by cosign: a text that names the digest of its manifest ("simple signing"), and the signature over it. */
export interface ImageSignature {
  readonly payload: Uint8Array;
  /** In base64. */
  readonly signature: string;
}

const TYPE = "cosign container image signature";

/**
 * Verifies a signature of an image.
 * @param digests of which it is to name one: those of the image's manifest, and of the index that the manifest was found by.
 * @throws SignatureError
 */
export function verifyImageSignature(
  { payload, signature }: ImageSignature,
  digests: readonly string[],
  keys: readonly TrustedKey[],
): TrustedKey {
  // Nothing is read of it before it is known who has written it.
  const key = verifyPlain(payload, signature, keys);
  const { type, digest } = claimsOf(payload);
  if (type !== TYPE) throw new SignatureError(`what is signed is no image: expected ${JSON.stringify(TYPE)}`);
  if (typeof digest === "string" && digests.includes(digest)) return key;
  throw new SignatureError(`what is signed is the image ${String(digest)}, not ${digests.join(" or ")}`);
}

function claimsOf(payload: Uint8Array): { readonly type?: unknown; readonly digest?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    throw new SignatureError("what is signed is no JSON");
  }
  const critical = (value as { critical?: unknown } | null)?.critical as
    | { readonly type?: unknown; readonly image?: { readonly "docker-manifest-digest"?: unknown } | null }
    | null
    | undefined;
  return { type: critical?.type, digest: critical?.image?.["docker-manifest-digest"] };
}

/** Signs an image as `cosign sign --key` does. @param repository `registry/repository`. */
export function signImage(repository: string, digest: string, privateKey: KeyObject): ImageSignature {
  const claims = {
    critical: {
      identity: { "docker-reference": repository },
      image: { "docker-manifest-digest": digest },
      type: TYPE,
    },
    optional: null,
  };
  const payload = Buffer.from(JSON.stringify(claims));
  const algorithm = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return { payload, signature: sign(algorithm, payload, privateKey).toString("base64") };
}
