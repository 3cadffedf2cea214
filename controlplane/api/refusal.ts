import { FaultsError, NotFoundError, StaleError, type Conflict } from "../journal/index.ts";
import type { Problem } from "../model/index.ts";
import { ConflictError, StoreUnavailableError } from "../store/index.ts";
import { RequestError } from "./body.ts";

/** The answer to a request that is refused. */
export interface Refusal {
  readonly error: string;
  /** What is wrong with the resources. */
  readonly problems?: readonly Problem[];
  /** Who changed what the request was to change. */
  readonly conflicts?: readonly Conflict[];
}

/** How a request about resources is answered that failed. */
export function refusalOf(error: unknown): [status: number, refusal: Refusal] {
  if (error instanceof RequestError) return [error.status, { error: error.message }];
  if (error instanceof NotFoundError) return [404, { error: error.message }];
  if (error instanceof StaleError) return [409, { error: error.message, conflicts: error.conflicts }];
  if (error instanceof FaultsError) {
    return [422, { error: "the resources have faults, and nothing was changed", problems: error.problems }];
  }
  // Other control planes on the same store were faster, each time.
  if (error instanceof ConflictError) return [409, { error: error.message }];
  // What is too large for one revision.
  if (error instanceof RangeError) return [413, { error: error.message }];
  if (error instanceof StoreUnavailableError) return [503, { error: error.message }];
  return [500, { error: error instanceof Error ? error.message : String(error) }];
}
