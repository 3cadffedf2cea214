// Faults of the variants of a request.

import {
  Duration,
  FilterHeadersStatus,
  Timer,
  continueRequest,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";
import { Fault } from "./fault";
import { Variant } from "./variant";

const BODY: string = "fault of an experiment\n";
const DETAILS: string = "ab_fault";

/** Holds or answers the current request as its variants ask for: the longest delay and the first answer count. */
export function doFaults(variants: Variant[]): FilterHeadersStatus {
  let delay = Duration.ZERO;
  let status: u32 = 0;
  for (let i = 0; i < variants.length; ++i) {
    const effect = variants[i].effect;
    const fault: Fault | null = effect === null ? null : effect.fault;
    if (fault === null || !fault.happens()) continue;
    if (delay.nanoseconds < fault.delay.nanoseconds) delay = fault.delay;
    if (status == 0) status = fault.status;
  }
  if (delay.nanoseconds > 0) {
    new HeldRequest(status).startOnce(delay);
    return FilterHeadersStatus.StopAllIterationAndWatermark;
  }
  if (status == 0) return FilterHeadersStatus.Continue;
  sendLocalResponse(status, BODY, null, DETAILS);
  return FilterHeadersStatus.StopIteration;
}

/** As a timer it belongs to its stream, and is stopped when that is gone. */
@final
class HeldRequest extends Timer {
  /** @param status That of the answer; 0 where the upstream is to give it. */
  constructor(private status: u32) {
    super();
  }

  onTime(): void {
    if (this.status == 0) continueRequest();
    else sendLocalResponse(this.status, BODY, null, DETAILS);
  }
}
