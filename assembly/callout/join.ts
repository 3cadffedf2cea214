import { Status } from "../abi/enums";

/**
 * Waits for several calls that run side by side:
 *
 *     const both = new Both(this);            // extends Join
 *     both.add(user.send(new UserReply(both)));
 *     both.add(quota.send(new QuotaReply(both)));
 *
 * Each reply notes what it got and calls `both.done()`. `onDone` follows the last of them.
 */
export abstract class Join {
  private waiting: i32 = 0;

  /** Every call that was added is done. */
  abstract onDone(): void;

  /** Counts a call that was sent; one that was not does not count. Gives the status back. */
  add(status: Status): Status {
    if (status == Status.Ok) ++this.waiting;
    return status;
  }

  /** One call is done. To be called once for each. */
  done(): void {
    if (--this.waiting == 0) this.onDone();
  }

  /** How many calls are still awaited: 0 after `add` where none could be sent, and then `onDone` will not be called. */
  get pending(): i32 {
    return this.waiting;
  }
}
