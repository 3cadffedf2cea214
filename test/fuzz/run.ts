import { seeded } from "../support/numbers.ts";
import { startCallbacks } from "./callbacks.ts";
import { Story } from "./story.ts";
import type { Subject } from "./subject.ts";
import { Values } from "./values.ts";

/** Cases that one host lives through. */
export const SESSION_CASES = 200;

/** A case that ended the module. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly session: number;
  /** Cases of the session up to this one. */
  readonly cases: number;
  readonly error: unknown;
}

/** Runs one session, which follows from the seed, the target and its number alone. */
export async function runSession(
  subject: Subject,
  seed: number,
  session: number,
  cases = SESSION_CASES,
): Promise<Finding | undefined> {
  const values = new Values(seeded(mix(seed, session, subject.name)), subject.words);
  let done = 0;
  try {
    if (session % 4 === 3) {
      const next = startCallbacks(subject, values);
      for (; done < cases; ++done) next();
    } else {
      const story = await Story.start(subject, values);
      for (; done < cases; ++done) story.run();
      story.close();
    }
  } catch (error) {
    return { target: subject.name, seed, session, cases: done + 1, error };
  }
  return undefined;
}

export function replayCommand({ target, seed, session }: Finding): string {
  return `npm run fuzz -- --seed ${String(seed)} --only ${target} --session ${String(session)}`;
}

function mix(seed: number, session: number, name: string): number {
  let mixed = seed;
  for (const number of [session, ...Buffer.from(name)]) mixed = Math.imul(mixed ^ number, 0x01000193);
  return mixed >>> 0;
}
