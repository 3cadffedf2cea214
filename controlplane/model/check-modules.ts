import { isLoopback, OciError, parseReference } from "../oci/index.ts";
import type { Found } from "./claims.ts";
import type { WasmModule } from "./resources.ts";

/** A module comes from one place, and what is fetched from a web server is known before. */
export function checkModules(modules: readonly WasmModule[]): Found {
  return modules.flatMap(({ origin, spec }): Found => {
    if (spec.signature !== undefined && /^https?:/.test(spec.signature) && !isSafe(spec.signature)) {
      const found = JSON.stringify(spec.signature);
      return [origin.problem(["spec", "signature"], `expected a path or an HTTPS URL, found ${found}`)];
    }
    const places = (["file", "url", "image"] as const).filter((place) => spec[place] !== undefined);
    if (places.length !== 1) {
      const found = places.length === 0 ? "none of them" : places.join(" and ");
      return [origin.problem(["spec"], `expected one of file, url and image, found ${found}`)];
    }
    if (spec.imagePullSecrets !== undefined && spec.image === undefined) {
      return [origin.problem(["spec", "imagePullSecrets"], "only with image", "key")];
    }
    if (spec.url !== undefined) {
      return [
        isSafe(spec.url)
          ? undefined
          : origin.problem(["spec", "url"], `expected an HTTPS URL, found ${JSON.stringify(spec.url)}`),
        spec.sha256 === undefined
          ? origin.problem(["spec", "sha256"], "required field is missing (needed with url); expected string", "key")
          : undefined,
      ];
    }
    if (spec.image === undefined) return [];
    try {
      parseReference(spec.image);
      return [];
    } catch (error) {
      if (!(error instanceof OciError)) throw error;
      return [origin.problem(["spec", "image"], error.message)];
    }
  });
}

/** Plain HTTP is for servers of this machine. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && isLoopback(host));
}
