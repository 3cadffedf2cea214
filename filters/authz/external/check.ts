// One question to an authorizer, from the first try to the answer.

import { Status, currentTimeNanoseconds } from "proxy-wasm-assemblyscript-sdk";
import { Answer, Verdict } from "./answer";
import { Authorizer } from "./authorizer";
import { Question } from "./transport";

/** What goes on with a request when its answer is there. */
export abstract class AnswerHandler {
  abstract onAnswer(answer: Answer): void;
}

/** All tries share one timeout. There is another one only where none before brought an answer, good or bad. */
@final
export class Check {
  private deadline: u64;

  constructor(
    private authorizer: Authorizer,
    private question: Question,
    private handler: AnswerHandler,
    private key: Uint8Array | null,
    timeout: i64,
    private retries: i32,
  ) {
    this.deadline = currentTimeNanoseconds() + <u64>timeout * 1_000_000;
  }

  /** Null when the answer comes later. */
  start(): Answer | null {
    while (true) {
      const now = currentTimeNanoseconds();
      const left = now < this.deadline ? <i64>(this.deadline - now) / 1_000_000 : 0;
      if (left > 0 && this.question.ask(this, left) == Status.Ok) return null;
      if (left == 0 || this.retries == 0) return new Answer(Verdict.Unavailable);
      --this.retries;
    }
  }

  /** The question got this answer. */
  answered(answer: Answer): void {
    this.authorizer.keep(this.key, answer);
    this.handler.onAnswer(answer);
  }

  /** The question got none. */
  failed(): void {
    if (this.retries > 0) {
      --this.retries;
      const answer = this.start();
      if (answer === null) return;
    }
    this.handler.onAnswer(new Answer(Verdict.Unavailable));
  }
}
