import {
  DataStatus,
  HeadersStatus,
  TrailersStatus,
  type DataAction,
  type HeadersAction,
  type TrailersAction,
} from "./abi/enums.ts";

/** What Envoy makes of the numbers that a module's callbacks return. A number that it does not know stops the stream. */

export function headersAction(answer: number, allowStopIteration: boolean): HeadersAction {
  switch (answer) {
    case HeadersStatus.Continue:
    case HeadersStatus.ContinueAndEndStream: // Envoy has no such answer for a Wasm filter, and lets the stream go on.
      return "Continue";
    case HeadersStatus.StopIteration:
      return allowStopIteration ? "StopIteration" : "StopAllIterationAndWatermark";
    case HeadersStatus.StopAllIterationAndBuffer:
      return "StopAllIterationAndBuffer";
    default:
      return "StopAllIterationAndWatermark";
  }
}

export function dataAction(answer: number): DataAction {
  switch (answer) {
    case DataStatus.Continue:
      return "Continue";
    case DataStatus.StopIterationAndBuffer:
      return "StopIterationAndBuffer";
    case DataStatus.StopIterationAndWatermark:
      return "StopIterationAndWatermark";
    default:
      return "StopIterationNoBuffer";
  }
}

export function trailersAction(answer: number): TrailersAction {
  return answer === TrailersStatus.Continue ? "Continue" : "StopIteration";
}
