// A request's way through the filter.

import {
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
  HttpContext,
  attributes,
  responseHeaders,
  responseTrailers,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { Assignment } from "./assignment";
import { doFaults } from "./faults";
import { isGrpcFailure } from "./grpc-status";
import { VariantMetrics } from "./measure";
import { Variant } from "./variant";


@final
export class AbRoutingStream extends HttpContext {
  /** The variants of this stream; none where nothing is to be remembered, and for a request that was never seen. */
  private variants: Variant[] = [];
  /** Where this stream is to be counted at its end. */
  private measured: VariantMetrics[] = [];
  private cookie: string = "";
  private grpcFailed: bool = false;

  constructor(private assignment: Assignment) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    beginRequest();
    const assignment = this.assignment;
    assignment.assign();
    if (assignment.remembers) {
      this.variants = assignment.variants.slice(0);
      this.measured = assignment.measured.slice(0);
      this.cookie = assignment.issuedCookie;
    }
    return assignment.hasFaults ? doFaults(assignment.variants) : FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    const variants = this.variants;
    for (let i = 0; i < variants.length; ++i) unchecked(variants[i]).changeResponse();
    if (this.cookie.length) responseHeaders.add("set-cookie", this.cookie);
    // An answer of gRPC without messages can have its status in the headers.
    if (endOfStream) this.readGrpcStatus(responseHeaders);
    return FilterHeadersStatus.Continue;
  }

  onResponseTrailers(): FilterTrailersStatus {
    this.readGrpcStatus(responseTrailers);
    return FilterTrailersStatus.Continue;
  }

  // Not in `onLog`: every module has this callback anyway, and what it does not export costs no request anything.
  onDelete(): void {
    const measured = this.measured;
    if (measured.length == 0) return;
    const status = attributes.response.code.i64();
    const isError = this.grpcFailed || status == 0 || status >= 500;
    const milliseconds = <u64>max<i64>(attributes.request.duration.nanoseconds() / 1_000_000, 0);
    for (let i = 0; i < measured.length; ++i) measured[i].countRequest(isError, milliseconds);
  }

  private readGrpcStatus(headers: HeaderMap): void {
    if (this.measured.length) this.grpcFailed = isGrpcFailure(headers);
  }
}
