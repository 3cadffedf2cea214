// What the rest of the SDK asks of composed modules, and of no others: each function is called where `isDefined` finds it.

import { BufferType, Status } from "../abi/enums";
import { proxy_done } from "../abi/imports";
import { RootContext } from "../context";
import { findStream } from "../runtime/exports";
import { currentRoot, effectiveContext } from "../runtime/scope";
import { continueLater, runActions } from "./actions";
import { bodyChanged } from "./chain";
import { intervene, logPrefix, runningComposition, runningPart } from "./running";
import { PartsStream } from "./stream";
import { rememberTrap } from "./trapped";

/** The stream that host calls act on, where it has a state of its own and a part of its plugin runs. */
function actedOn(): PartsStream | null {
  const stream = findStream(effectiveContext());
  return stream instanceof PartsStream ? changetype<PartsStream>(stream) : null;
}

/** A part continues a stream. False when no part runs: the host is to be told. */
// @ts-ignore: decorator
@global
function __continueStream(isRequest: bool): bool {
  const composition = runningComposition();
  if (composition === null) return false;
  const stream = actedOn();
  if (stream !== null) continueLater(stream, isRequest, composition.indexOf(changetype<RootContext>(currentRoot())));
  return true;
}

/** A local response or a reset was asked for. */
// @ts-ignore: decorator
@global
function __intervened(): void {
  intervene();
  const stream = actedOn();
  if (stream !== null) stream.abort();
}

// @ts-ignore: decorator
@global
function __bodyPrefix(type: BufferType): u32 {
  if (type > BufferType.HttpResponseBody) return 0;
  const composition = runningComposition();
  if (composition === null) return 0;
  const stream = actedOn();
  if (stream === null) return 0;
  const index = composition.indexOf(changetype<RootContext>(currentRoot()));
  return stream.bodyPrefix(type == BufferType.HttpRequestBody, index);
}

// @ts-ignore: decorator
@global
function __bodyChanged(): void {
  bodyChanged();
}

// @ts-ignore: decorator
@global
function __pluginDone(): Status {
  const composition = runningComposition();
  const part = runningPart();
  return composition === null || part === null ? proxy_done() : composition.partIsDone(part);
}

// @ts-ignore: decorator
@global
function __afterCallback(): void {
  runActions();
}

// @ts-ignore: decorator
@global
function __beforeTrap(): void {
  rememberTrap();
}

// @ts-ignore: decorator
@global
function __logPrefix(): string {
  return logPrefix;
}
