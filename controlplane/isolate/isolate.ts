import type { ParsedResources, Problem, Resource } from "../model/index.ts";
import { Isolating } from "./isolating.ts";
import type { Key } from "./bonds.ts";

/** What is served in place of what the source says, where that is faulty. */
export interface Held {
  /** What stays as it was when it was last good. */
  readonly kept: readonly HeldResource[];
  /** What was never good, and is not served. */
  readonly leftOut: readonly HeldResource[];
}

export interface HeldResource {
  /** `Kind name`. */
  readonly resource: string;
  /** The faulty one with which it changes together, where that is another. */
  readonly with?: string;
  /** What is wrong with that. */
  readonly fault: Problem | undefined;
}

/** The resources to serve, and those of them that are as they were when they were last good. */
export interface Candidate {
  readonly resources: readonly Resource[];
  readonly kept: ReadonlySet<Key>;
}

export type Isolation<T> =
  | { readonly ok: true; readonly value: T; readonly held: Held }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export interface LastGoodResources {
  readonly resources: readonly Resource[];
  /** Whether what a WasmModule names has the bytes that it had. */
  readonly isSameModule: (name: string) => boolean;
}

/**
 * Takes faulty resources back to their last good version, or out where there was none, each with what changes together with it
 * (`Bonds`), until `check` finds nothing wrong with the whole. So what is served was checked as any other set of resources.
 *
 * What cannot be told apart is refused as a whole: a document that does not say what it is, and a last good version that is not good
 * any more. See docs/decisions/faulty-resources.md.
 */
export async function isolate<T>(
  parsed: ParsedResources,
  last: LastGoodResources,
  check: (candidate: Candidate) => Promise<Checked<T>>,
): Promise<Isolation<T>> {
  const work = new Isolating(parsed, last);
  const problems = [...parsed.problems];
  if (!work.holdUnreadable()) return { ok: false, problems };
  for (;;) {
    const result = await check(work.candidate);
    if (result.ok && work.isProtected) return { ok: true, value: result.value, held: work.held };
    if (result.ok) return { ok: false, problems };
    problems.push(...result.problems);
    if (!work.holdFor(result.problems)) return { ok: false, problems };
  }
}
