// Streams that parts continue. As in Envoy, that takes effect when the callback is over: the next part runs then.

import { Status } from "../abi/enums";
import { proxy_set_effective_context } from "../abi/imports";
import { forgetHostState } from "../runtime/callback";
import { setCurrentContext } from "../runtime/scope";
import { PartsStream } from "./stream";


@final
class Action {
  next: Action | null = null;

  constructor(
    readonly stream: PartsStream,
    readonly isRequest: bool,
    readonly part: i32,
  ) {}
}

let first: Action | null = null;

/** @param part Index of the part that continues. */
export function continueLater(stream: PartsStream, isRequest: bool, part: i32): void {
  const action = new Action(stream, isRequest, part);
  const head = first;
  if (head === null) {
    first = action;
    return;
  }
  let last: Action = head;
  let next = last.next;
  while (next !== null) {
    last = next;
    next = last.next;
  }
  last.next = action;
}

/** Continues a stream within its own callback, whose result then tells the host of this direction. */
export function takeActions(stream: PartsStream, isRequest: bool): void {
  let before: Action | null = null;
  for (let action: Action | null = first; action !== null;) {
    const next = action.next;
    if (action.stream !== stream) {
      before = action;
      action = next;
      continue;
    }
    if (before === null) first = next;
    else before.next = next;
    forgetHostState();
    stream.resume(action.isRequest, action.part);
    if (action.isRequest != isRequest) stream.resumeHost(action.isRequest);
    // Parts may have asked for more.
    action = before === null ? first : before.next;
  }
}

/** Continues streams at the end of a callback. */
export function runActions(): void {
  for (let action: Action | null = first; action !== null; action = first) {
    first = action.next;
    const stream = action.stream;
    forgetHostState();
    // The host may have let go of it.
    if (proxy_set_effective_context(stream.id) != Status.Ok) continue;
    setCurrentContext(stream.id);
    stream.resume(action.isRequest, action.part);
    stream.resumeHost(action.isRequest);
  }
}
