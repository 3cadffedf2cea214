import type { Source } from "assemblyscript";
import type { Base } from "./callbacks.ts";

/**
 * What a module exports beside the callbacks of its parts where it runs them as one plugin: the host must not let go by itself of what
 * a part holds, past the parts after it.
 */
export function addForComposition(bases: Set<Base>, exported: Set<string>, sources: readonly Source[]): void {
  // Each part has a tick period of its own.
  if (exported.has("proxy_on_tick")) bases.add("Timer");
  for (const [direction, resume] of [
    ["request", "continueRequest"],
    ["response", "continueResponse"],
  ] as const) {
    const body = `proxy_on_${direction}_body`;
    if (sources.some(({ text }) => text.includes(resume))) exported.add(body);
    if (exported.has(body)) exported.add(`proxy_on_${direction}_trailers`);
  }
}
