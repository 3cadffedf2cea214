import { FilterError } from "../../filter/filter-error.ts";
import { OciError } from "../../oci/oci-error.ts";

/** Runs a command whose faults are the user's to mend: the exit status is then 1, and the message is all that is printed. */
export async function orFail(command: () => Promise<void> | void): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof FilterError || error instanceof OciError)) throw error;
    process.stderr.write(`meshwright: ${error.message}\n`);
    process.exitCode = 1;
  }
}
