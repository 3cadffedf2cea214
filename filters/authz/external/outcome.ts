// What an answer leaves behind for the rest of a stream.

import { Bytes, FilterState, Status, responseHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Answer } from "./answer";
import { readChanges, writeChanges } from "./protocol/check-response";

/** `wasm.authz.external`: dynamic metadata of the answer, a serialized `google.protobuf.Struct`. */
const METADATA: FilterState = new FilterState("authz.external");
/** Changes of the response's headers, in the format of `writeChanges`. */
const RESPONSE: FilterState = new FilterState("authz.response");

let anyResponse: bool = false;

/** Keeps what later filters, the access log and the response are to have of an answer. False when the host failed to. */
export function leave(answer: Answer): bool {
  const metadata = answer.metadata;
  if (metadata !== null && METADATA.set(Bytes.of(metadata)) != Status.Ok) return false;
  if (answer.responseHeaders.length == 0) return true;
  anyResponse = true;
  return RESPONSE.set(writeChanges(answer.responseHeaders)) == Status.Ok;
}

/** Changes the headers of the current response as the answer to its request said. */
export function changeResponse(): void {
  // Until an authorizer asks for it, a response costs nothing here.
  if (!anyResponse) return;
  const message = RESPONSE.bytes();
  if (message === null) return;
  const changes = readChanges(message);
  for (let i = 0; i < changes.length; ++i) changes[i].apply(responseHeaders);
}
