import { FilterError } from "../filter-error.ts";

/** Where an image is in a registry. */
export interface Reference {
  /** Host, and port if there is one. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

const host = /^(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+(?::\d{1,5})?$|^\[[0-9a-fA-F:]+\](?::\d{1,5})?$/;
const repository = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Reads `registry/repository:tag`, by the rules of the OCI distribution specification. The registry must be written: there is no
 * default, as the image is meant for whoever runs Envoy.
 * @throws FilterError when it is not one.
 */
export function parseReference(text: string): Reference {
  const slash = text.indexOf("/");
  const colon = text.lastIndexOf(":");
  const parts = {
    registry: text.slice(0, Math.max(slash, 0)),
    repository: text.slice(slash + 1, colon > slash ? colon : undefined),
    tag: colon > slash ? text.slice(colon + 1) : "",
  };
  const expected = "expected REGISTRY/REPOSITORY:TAG, for example registry.example.com/filters/hello:1.0";
  const isHost = /[.:]|^localhost$/.test(parts.registry) && host.test(parts.registry);
  if (!isHost) throw new FilterError(`--tag ${text}: ${expected}; found no host of a registry before the first /`);
  if (!repository.test(parts.repository)) {
    throw new FilterError(
      `--tag ${text}: ${expected}; a repository has lower-case letters, digits, and . _ - / between them`,
    );
  }
  if (!tag.test(parts.tag)) throw new FilterError(`--tag ${text}: ${expected}; found no tag after the last :`);
  return parts;
}

export function formatReference({ registry, repository, tag }: Reference): string {
  return `${registry}/${repository}:${tag}`;
}
