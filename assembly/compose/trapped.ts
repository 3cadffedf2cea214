// Memory of parts that trapped, which outlives the VM: a trap ends it for every part, and the fresh one has to know.

import { Bytes } from "../bytes";
import { hash64 } from "../hash/xxh64";
import { getSharedData, setSharedData } from "../shared/data";
import { Composition } from "./composition";
import { runningComposition, runningPart } from "./running";

/** Of one configuration: with another one, a part gets another chance. */
export function configurationKey(rootId: string, configuration: Bytes): string {
  return `compose.trapped.${rootId}.${hash64(configuration).toString(16)}`;
}

function keyOf(composition: Composition, name: string): Bytes {
  return Bytes.utf8(`${composition.key}.${name}`);
}

/** Whether a part of this name trapped under this configuration. */
export function hasTrapped(composition: Composition, name: string): bool {
  return getSharedData(keyOf(composition, name)) !== null;
}

/** To be called before the VM traps. */
export function rememberTrap(): void {
  const composition = runningComposition();
  const part = runningPart();
  // A trap in `onConfigure` refuses the configuration by itself.
  if (composition === null || part === null || !composition.isConfigured || !part.failsOpen) return;
  setSharedData(keyOf(composition, part.name), Bytes.utf8("1"));
}
