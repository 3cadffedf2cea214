// Answers to HTTP calls. The transform adds this file to modules that have an `HttpCallReply`.

import { Status } from "../abi/enums";
import { CalloutFailure, HttpCallResponse } from "../callout/http-call-reply";
import { httpCalls } from "../callout/pending-http-calls";
import { calloutCode, calloutMessage } from "../callout/status";
import { enterCallback, leaveCallback } from "./callback";

const response: HttpCallResponse = new HttpCallResponse();

export function proxy_on_http_call_response(
  context: u32,
  token: u32,
  headers: u32,
  bodySize: u32,
  trailers: u32,
): void {
  enterCallback(context);
  const call = httpCalls.take(token);
  if (call !== null && call.scope.enter()) {
    // Without headers there is no answer.
    if (headers) call.handler.onResponse(response);
    else {
      const message = calloutMessage();
      call.handler.onFailure(new CalloutFailure(<Status>calloutCode(), message));
    }
  }
  leaveCallback();
}

// @ts-ignore: decorator
@global
function __dropHttpCalls(context: u32): void {
  httpCalls.takeContext(context);
}
