// What the composed plugins of this module run just now.

import { RootContext } from "../context";
import { currentRoot } from "../runtime/scope";
import { Composition } from "./composition";
import { Part } from "./part";

const compositions: Composition[] = [];

/** How many local responses and resets parts have asked for. */
export let interventions: u32 = 0;

export function intervene(): void {
  ++interventions;
}

/** What goes before a message of the log while a part is configured. */
export let logPrefix: string = "";

export function setLogPrefix(prefix: string): void {
  logPrefix = prefix;
}

export function addComposition(composition: Composition): void {
  if (!compositions.includes(composition)) compositions.push(composition);
}

export function deleteComposition(composition: Composition): void {
  const index = compositions.indexOf(composition);
  if (index >= 0) compositions.splice(index, 1);
}

/** The composed plugin whose part runs now; null when no part does. */
export function runningComposition(): Composition | null {
  const root = currentRoot();
  if (root === null) return null;
  for (let i = 0; i < compositions.length; ++i) {
    if (compositions[i].indexOf(root) >= 0) return compositions[i];
  }
  return null;
}

/** The part that runs now. */
export function runningPart(): Part | null {
  const composition = runningComposition();
  return composition === null ? null : composition.parts[composition.indexOf(changetype<RootContext>(currentRoot()))];
}
