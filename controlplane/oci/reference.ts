import { OciError } from "./oci-error.ts";

/** Where an image is in a registry. At least one of `tag` and `digest` is there; the digest decides. */
export interface Reference {
  /** Host, and port if there is one. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** Of the manifest: `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest?: string;
}

const host = /^(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+(?::\d{1,5})?$|^\[[0-9a-fA-F:]+\](?::\d{1,5})?$/;
const repository = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digest = /^sha256:[0-9a-f]{64}$/;

/**
 * Reads `registry/repository:tag`, `registry/repository@sha256:digest` or both in one, by the rules of the OCI distribution
 * specification. The registry must be written: there is no default, as the image is meant for whoever runs Envoy.
 * @throws OciError when it is not one.
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const place = at < 0 ? text : text.slice(0, at);
  const slash = place.indexOf("/");
  const colon = place.lastIndexOf(":");
  const parts = {
    registry: place.slice(0, Math.max(slash, 0)),
    repository: place.slice(slash + 1, colon > slash ? colon : undefined),
    ...(colon > slash ? { tag: place.slice(colon + 1) } : {}),
    ...(at < 0 ? {} : { digest: text.slice(at + 1) }),
  };
  const refuse = (why: string): never => {
    throw new OciError(
      `${text}: expected REGISTRY/REPOSITORY:TAG, for example registry.example.com/filters/hello:1.0; ${why}`,
    );
  };
  const isHost = /[.:]|^localhost$/.test(parts.registry) && host.test(parts.registry);
  if (!isHost) refuse("found no host of a registry before the first /");
  if (!repository.test(parts.repository)) {
    refuse("a repository has lower-case letters, digits, and . _ - / between them");
  }
  if (parts.digest !== undefined && !digest.test(parts.digest)) {
    refuse("a digest is sha256: and 64 lower-case hexadecimal digits");
  }
  if (parts.tag === undefined ? parts.digest === undefined : !tag.test(parts.tag)) {
    refuse("found no tag after the last :");
  }
  return parts;
}

export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
