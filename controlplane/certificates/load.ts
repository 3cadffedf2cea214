import { unreadable, type Assets, type Certificate, type Model, type Problem } from "../model/index.ts";
import { MaterialError, readMaterial, type CertificateMaterial, type MaterialTexts } from "./material.ts";

export type Materials = ReadonlyMap<string, CertificateMaterial>;

/**
 * What the files of all Certificates hold.
 *
 * @param kept of those that stay as they were, by name: their files are not looked at.
 */
export function loadMaterials(
  { certificates }: Pick<Model, "certificates">,
  assets: Assets,
  kept: Materials = new Map(),
  now = Date.now(),
): { readonly materials: Materials; readonly problems: readonly Problem[] } {
  const materials = new Map<string, CertificateMaterial>();
  const problems: Problem[] = [];
  for (const [name, certificate] of certificates) {
    const known = kept.get(name);
    const found = known ?? load(certificate, assets, now);
    if (Array.isArray(found)) problems.push(...found);
    else materials.set(name, found);
  }
  return { materials, problems };
}

function load(certificate: Certificate, assets: Assets, now: number): CertificateMaterial | Problem[] {
  const { origin, paths } = certificate;
  const texts: { -readonly [Field in keyof MaterialTexts]: string } = {};
  const problems: Problem[] = [];
  for (const field of ["certFile", "keyFile", "caFile"] as const) {
    const path = paths?.[field];
    if (path === undefined) continue;
    const file = assets.get(path);
    if (file?.ok === true && file.text !== undefined) texts[field] = file.text;
    else problems.push(unreadable(origin, ["spec", field], path, file));
  }
  if (problems.length > 0) return problems;
  try {
    return readMaterial(texts, now);
  } catch (error) {
    if (!(error instanceof MaterialError)) throw error;
    return [origin.problem(["spec", error.field], `${paths?.[error.field] ?? ""}: ${error.message}`)];
  }
}
