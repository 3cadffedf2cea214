import { wordsOf } from "./words.ts";
import type { Target } from "./targets.ts";

/** A target that is ready to run. */
export interface Subject extends Omit<Target, "module"> {
  readonly module: Uint8Array;
  readonly words: readonly string[];
}

export async function subjectOf({ name, module: load, rootIds, configurations }: Target): Promise<Subject> {
  const module = await load();
  return { name, module, rootIds, configurations, words: [...wordsOf(module, configurations), ...SCENARIO_WORDS] };
}

/** What every peer sends. */
const SCENARIO_WORDS = [
  ":method",
  ":path",
  ":authority",
  ":status",
  "GET",
  "POST",
  "200",
  "cookie",
  "authorization",
  "content-length",
  "content-type",
  "x-forwarded-for",
  "x-scenario",
  "x-key",
  "text/html",
  "application/grpc",
];
