// A request that waits for an authorizer.

import { Rule } from "../authorization/rules";
import { Caller } from "../authentication/caller";
import { Answer } from "./answer";
import { Authorizer } from "./authorizer";
import { AnswerHandler } from "./check";

/** Takes a request up again. */
export abstract class Resumption {
  abstract resume(request: HeldRequest, answer: Answer): void;
}

/** All that is not in the request itself. */
@final
export class HeldRequest extends AnswerHandler {
  constructor(
    private resumption: Resumption,
    readonly caller: Caller,
    readonly rule: Rule,
    readonly authorizer: Authorizer,
  ) {
    super();
  }

  onAnswer(answer: Answer): void {
    this.resumption.resume(this, answer);
  }
}
