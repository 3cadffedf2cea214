import { RE2JS } from "re2js";

// Far from what RE2 could not hold, and far above what a route needs.
const maxProgramSize = 1000;

/**
 * Says why Envoy would refuse a regular expression, or `undefined` if it would not. Envoy's engine is RE2, which has no
 * lookaround and no back-references.
 *
 * Envoy's own limit for the size of a program counts bytes, and it is the runtime value
 * `re2.max_program_size.error_level` (100 where the bootstrap does not set it), so it cannot be checked here.
 */
export function regexFault(pattern: string): string | undefined {
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size <= maxProgramSize
      ? undefined
      : `the expression is too large (${size} steps, at most ${maxProgramSize})`;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `not a regular expression that Envoy (RE2) takes: ${message.replace(/^error parsing regexp: /, "")}`;
  }
}
