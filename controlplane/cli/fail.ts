import { NoAnswerError } from "./ask.ts";
import { InputError } from "../explain/input-error.ts";

/** What `test` ends with if a decision is not as expected, and `explain` if a request is denied. */
export const NOT_SO = 1;
/** A fault in what a command was given. */
const FAULT = 2;
/** What `rollout wait` ends with if the control plane refuses what the source says. */
export const REFUSED = 3;

/** Runs a command whose faults are the user's to mend: the message is all that is printed of them. */
export async function orFail(command: () => Promise<void> | void): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof InputError || error instanceof NoAnswerError)) throw error;
    process.stderr.write(`meshwright: ${error.message}\n`);
    process.exitCode = error instanceof InputError ? FAULT : NOT_SO;
  }
}
