// How an authorizer is reached.

import { Status } from "proxy-wasm-assemblyscript-sdk";
import { Check } from "./check";

export abstract class Transport {
  /** Makes the question of the current request. */
  abstract prepare(): Question;
}

/** A question that can be put more than once. */
export abstract class Question {
  /**
   * Puts it; the check is told of what comes of it later.
   * @param timeout Milliseconds, 1 or more.
   * @returns Other than `Status.Ok` when the check is told nothing, for the question could not be put.
   */
  abstract ask(check: Check, timeout: i64): Status;
}
