import { isContentOf, type Resource } from "./resource.ts";

/** What a client has under a name: a resource, a version that it reported, or `null`: it was told that there is none. */
export type Held = { readonly version: string; readonly aliases?: readonly string[] } | Doubt | null;

/**
 * What a client has under a name when it has not answered, and was sent something else since: what it had, what it was
 * sent, or nothing.
 */
export interface Doubt {
  readonly version: "";
  readonly aliases?: readonly string[];
  /** What to send it lest it lose what it may have, where all that it has must be sent. */
  readonly instead: Resource | undefined;
}

/** What a client is to have under a name; `null`: nothing. */
export type Wanted = Resource | null;

/** A difference between what a client has and what it is to have. */
export interface Change {
  readonly name: string;
  readonly wanted: Wanted;
}

/** The version of a removal is the empty string. */
export function versionOf(held: Held): string {
  return held?.version ?? "";
}

export function isSame(wanted: Wanted, held: Held | undefined): boolean {
  if (wanted === null || held === null || held === undefined) return wanted === held;
  return isContentOf(wanted, held.version);
}

/** Whether it is a resource that was served, and no version that the client reported. */
export function isResource(held: Held | undefined): held is Resource {
  return held !== null && held !== undefined && "body" in held;
}

/** Whether a client certainly has something under a name. */
export function isKnown(held: Held | undefined): boolean {
  return held !== null && held !== undefined && !("instead" in held);
}

/** What is left when a doubt is done away with by sending something for certain. */
export function certain(held: Held): Held {
  return held !== null && "instead" in held ? (held.instead ?? null) : held;
}
