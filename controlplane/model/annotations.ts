import type { Found } from "./claims.ts";
import type { Metadata, Resource } from "./resources.ts";
import { didYouMean } from "./suggest.ts";

const ours = "meshwright.dev/";

/**
 * What becomes of a route whose backend is no Service: `Refuse` (the default) refuses the resources as a whole; `Answer`
 * takes them and answers the share of that backend with an error, as the Gateway API wants it of what a cluster accepted.
 */
export const unresolvedBackends = `${ours}unresolved-backends`;

const known: Readonly<Record<string, readonly string[]>> = { [unresolvedBackends]: ["Refuse", "Answer"] };

/** Whether requests to backends that do not exist are answered with an error, rather than the route refused. */
export function answersUnresolved({ annotations = {} }: Metadata): boolean {
  return annotations[unresolvedBackends] === "Answer";
}

/** Annotations are free, but for those under our own name. */
export function checkAnnotations({ metadata, origin }: Resource): Found {
  return Object.entries(metadata.annotations ?? {}).map(([key, value]) => {
    if (!key.startsWith(ours)) return undefined;
    const path = ["metadata", "annotations", key];
    const values = Object.hasOwn(known, key) ? known[key] : undefined;
    if (values === undefined) {
      const names = Object.keys(known);
      return origin.problem(path, `unknown annotation${didYouMean(key, names)}; known: ${names.join(", ")}`, "key");
    }
    if (values.includes(value)) return undefined;
    return origin.problem(path, `expected one of ${values.join(", ")}, found ${JSON.stringify(value)}`);
  });
}
