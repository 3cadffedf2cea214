// What is done to a part of the requests of a variant on purpose.

import { ConfigObject, Duration, randomBelow } from "proxy-wasm-assemblyscript-sdk";
import { durationOr } from "../common/durations";
import { PLACES } from "./allocation";

const LONGEST_DELAY: i64 = 60_000;

/** A delay, an answer in place of the upstream's, or both, for a share of requests. */
@final
export class Fault {
  readonly delay: Duration;
  /** The status that the request is answered with; 0 for none. */
  readonly status: u32;
  private share: u32;

  constructor(object: ConfigObject) {
    this.delay = Duration.milliseconds(durationOr(object, "delay", 1, LONGEST_DELAY, 0));
    this.status = <u32>object.integerOr("abort", 200, 599, 0);
    this.share = <u32>object.integerOr("share", 1, PLACES, PLACES);
    if (!object.has("delay") && !object.has("abort")) object.error("delay", "delay, abort or both");
  }

  /** Whether it is done to the current request. */
  happens(): bool {
    return this.share == PLACES || randomBelow(PLACES) < this.share;
  }
}
