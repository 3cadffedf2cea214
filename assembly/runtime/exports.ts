// The functions that the host calls of every filter and of HTTP filters. The transform exports those that a filter needs.
// An id that is not known is no error here: a host may call back for a stream that a context never served.

import { FilterDataStatus, FilterHeadersStatus, FilterMetadataStatus, FilterTrailersStatus } from "../abi/enums";
import { Bytes } from "../bytes";
import { pluginConfiguration, vmConfiguration } from "../buffer";
import { HttpContext, RootContext } from "../context";
import { StringAttribute } from "../properties/attribute";
import { SharedQueue, registrantOf } from "../queue";
import { arenaAllocate } from "./arena";
import { enterCallback, leaveCallback } from "./callback";
import { ContextTable, RootTable } from "./context-table";
import { createRootContext } from "./registry";
import { setCurrentRoot } from "./scope";
import { start } from "./start";

const pluginRootId: StringAttribute = new StringAttribute("plugin_root_id");
const roots: RootTable = new RootTable();
const streams: ContextTable<HttpContext> = new ContextTable<HttpContext>();
const passedBy: HttpContext = new PassedBy();

/** Serves the streams that a plugin did not want. */
class PassedBy extends HttpContext {}

/** The root context of an id, which becomes the current one. */
export function rootOf(id: u32): RootContext | null {
  const root = roots.get(id);
  setCurrentRoot(root);
  return root;
}

/** The context of a stream. One that is not in the table belongs to the first root, whose shared context serves it. */
function streamOf(id: u32): HttpContext | null {
  const slot = streams.size ? streams.find(id) : -1;
  let root: RootContext | null = null;
  let stream: HttpContext | null = null;
  if (slot >= 0) {
    root = streams.rootAt(slot);
    stream = streams.contextAt(slot);
  } else if (roots.size) {
    root = roots.at(0);
    stream = root.sharedHttpContext;
  }
  setCurrentRoot(root);
  if (stream !== null) stream.id = id;
  return stream;
}

/** The context of a stream that has one of its own. */
export function findStream(id: u32): HttpContext | null {
  const slot = streams.find(id);
  return slot < 0 ? null : streams.contextAt(slot);
}

/** Gives a stream a context of its own, in place of the shared one. */
export function adoptStream(id: u32, root: RootContext, stream: HttpContext): void {
  streams.set(id, root, stream);
}

export function proxy_abi_version_0_2_1(): void {}

/** The host takes memory for what it hands over; see `arena.ts`. */
export function proxy_on_memory_allocate(size: usize): usize {
  return arenaAllocate(size);
}

export function proxy_on_context_create(context: u32, parent: u32): void {
  enterCallback(context);
  // 0 stands for no context.
  if (context) {
    if (parent == 0) createRoot(context);
    else createStream(context, parent);
  }
  leaveCallback();
}

function createRoot(id: u32): void {
  if (rootOf(id) !== null) return;
  start();
  const rootId = pluginRootId.string();
  const root = createRootContext(rootId === null ? "" : rootId);
  root.id = id;
  roots.add(root);
}

function createStream(id: u32, parent: u32): void {
  const root = rootOf(parent);
  if (root === null || roots.get(id) !== null) return;
  // @ts-ignore: see `tcp.ts`.
  if (isDefined(__createConnection)) __createConnection(id, root);
  const shared = root.sharedHttpContext;
  // The first root's shared context is what a stream that is not in the table gets.
  if (shared !== null && root === roots.at(0)) return;
  let stream = shared !== null ? shared : root.createHttpContext();
  if (stream === null) stream = passedBy;
  stream.id = id;
  streams.set(id, root, stream);
}

export function proxy_on_vm_start(context: u32, size: u32): bool {
  enterCallback(context);
  const root = rootOf(context);
  const data = size ? vmConfiguration.read() : null;
  const ok = root === null || root.onVmStart(data === null ? Bytes.at(0, 0) : data);
  leaveCallback();
  return ok;
}

export function proxy_on_configure(context: u32, size: u32): bool {
  enterCallback(context);
  const root = rootOf(context);
  const data = size ? pluginConfiguration.read() : null;
  const ok = root !== null && root.onConfigure(data === null ? Bytes.at(0, 0) : data);
  leaveCallback();
  return ok;
}

export function proxy_on_tick(context: u32): void {
  enterCallback(context);
  const root = rootOf(context);
  if (root !== null) root.onTick();
  leaveCallback();
}

export function proxy_on_queue_ready(context: u32, token: u32): void {
  enterCallback(context);
  if (rootOf(context) !== null) {
    const registrant = registrantOf(token);
    if (registrant !== null && registrant.enter()) {
      const root = registrant.root;
      if (root !== null) root.onQueueReady(new SharedQueue(token));
    }
  }
  leaveCallback();
}

export function proxy_on_foreign_function(context: u32, functionId: u32, size: u32): void {
  enterCallback(context);
  const root = rootOf(context);
  if (root !== null) root.onForeignFunction(functionId, size);
  leaveCallback();
}

export function proxy_on_request_headers(context: u32, count: u32, endOfStream: u32): FilterHeadersStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterHeadersStatus.Continue : stream.onRequestHeaders(endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_body(context: u32, size: u32, endOfStream: u32): FilterDataStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterDataStatus.Continue : stream.onRequestBody(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_trailers(context: u32, count: u32): FilterTrailersStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterTrailersStatus.Continue : stream.onRequestTrailers();
  leaveCallback();
  return status;
}

export function proxy_on_request_metadata(context: u32, count: u32): FilterMetadataStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterMetadataStatus.Continue : stream.onRequestMetadata(count);
  leaveCallback();
  return status;
}

export function proxy_on_response_headers(context: u32, count: u32, endOfStream: u32): FilterHeadersStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterHeadersStatus.Continue : stream.onResponseHeaders(endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_body(context: u32, size: u32, endOfStream: u32): FilterDataStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterDataStatus.Continue : stream.onResponseBody(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_trailers(context: u32, count: u32): FilterTrailersStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterTrailersStatus.Continue : stream.onResponseTrailers();
  leaveCallback();
  return status;
}

export function proxy_on_response_metadata(context: u32, count: u32): FilterMetadataStatus {
  enterCallback(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterMetadataStatus.Continue : stream.onResponseMetadata(count);
  leaveCallback();
  return status;
}

export function proxy_on_log(context: u32): void {
  enterCallback(context);
  const root = rootOf(context);
  if (root !== null) root.onLog();
  else if (!logConnection(context)) {
    const stream = streamOf(context);
    if (stream !== null) stream.onLog();
  }
  leaveCallback();
}

export function proxy_on_done(context: u32): bool {
  enterCallback(context);
  let done = true;
  const root = rootOf(context);
  if (root !== null) done = root.onDone();
  else if (!endConnection(context)) {
    const stream = streamOf(context);
    if (stream !== null) stream.onDone();
  }
  leaveCallback();
  return done;
}

export function proxy_on_delete(context: u32): void {
  enterCallback(context);
  const root = rootOf(context);
  if (root !== null) {
    root.onDelete();
    roots.delete(context);
  } else if (!deleteConnection(context)) {
    const stream = streamOf(context);
    if (stream !== null) stream.onDelete();
  }
  if (streams.size) streams.delete(context);
  dropPending(context);
  leaveCallback();
}

// What only some modules have, in files that the transform adds to them. In others these functions are empty.

// @ts-ignore: decorator
@inline
function logConnection(context: u32): bool {
  // @ts-ignore: see `tcp.ts`.
  if (isDefined(__logConnection)) return __logConnection(context);
  return false;
}

// @ts-ignore: decorator
@inline
function endConnection(context: u32): bool {
  // @ts-ignore: see `tcp.ts`.
  if (isDefined(__endConnection)) return __endConnection(context);
  return false;
}

// @ts-ignore: decorator
@inline
function deleteConnection(context: u32): bool {
  // @ts-ignore: see `tcp.ts`.
  if (isDefined(__deleteConnection)) return __deleteConnection(context);
  return false;
}

/** Forgets what a context began and did not live to see the end of. */
// @ts-ignore: decorator
@inline
function dropPending(context: u32): void {
  // @ts-ignore: see `http-calls.ts`.
  if (isDefined(__dropHttpCalls)) __dropHttpCalls(context);
  // @ts-ignore: see `grpc-calls.ts`.
  if (isDefined(__dropGrpcCalls)) __dropGrpcCalls(context);
  // @ts-ignore: see `timers.ts`.
  if (isDefined(__dropTimers)) __dropTimers(context);
}
