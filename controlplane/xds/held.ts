import { isContentOf, type Resource } from "./resource.ts";

/** What a client has under a name: a resource, a version that it reported, or `null`: it was told that there is none. */
export type Held = { readonly version: string; readonly aliases?: readonly string[] } | null;

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

/**
 * What a client has under a name when it has not answered, and was sent something else since: what it had, what it was
 * sent, or nothing.
 */
export const UNKNOWN: Held = Object.freeze({ version: "" });

/** Whether a client certainly has something under a name. */
export function isKnown(held: Held | undefined): boolean {
  return held !== null && held !== undefined && held !== UNKNOWN;
}
