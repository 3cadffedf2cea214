// The functions that the host calls. The transform exports those that a filter needs; without it, `export *` offers all.
// An id that is not known is no error here: a host may call back for a stream that a context never served.

import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from "../abi/enums";
import { Bytes } from "../bytes";
import { pluginConfiguration, vmConfiguration } from "../buffer";
import { HttpContext, RootContext } from "../context";
import { Property } from "../property";
import { arenaAllocate } from "./arena";
import { enterCallback, leaveCallback } from "./callback";
import { ContextTable, RootTable } from "./context-table";
import { createRootContext } from "./registry";

const pluginRootId: Property = new Property(["plugin_root_id"]);
const roots: RootTable = new RootTable();
const streams: ContextTable = new ContextTable();
const passedBy: HttpContext = new PassedBy();
let current: u32 = 0;

/** Serves the streams that a plugin did not want. */
class PassedBy extends HttpContext {}

/** The id of the context whose callback runs. */
export function contextId(): u32 {
  return current;
}

function enter(context: u32): void {
  current = context;
  enterCallback();
}

/** The context of a stream. One that is not in the table belongs to the first root, whose shared context serves it. */
function streamOf(id: u32): HttpContext | null {
  let stream = streams.size ? streams.get(id) : null;
  if (stream === null && roots.size) stream = roots.at(0).sharedHttpContext;
  if (stream !== null) stream.id = id;
  return stream;
}

export function proxy_abi_version_0_2_1(): void {}

/** The host takes memory for what it hands over; see `arena.ts`. */
export function proxy_on_memory_allocate(size: usize): usize {
  return arenaAllocate(size);
}

export function proxy_on_context_create(context: u32, parent: u32): void {
  enter(context);
  if (parent == 0) createRoot(context);
  else createStream(context, parent);
  leaveCallback();
}

function createRoot(id: u32): void {
  const rootId = pluginRootId.string();
  const root = createRootContext(rootId === null ? "" : rootId);
  root.id = id;
  roots.add(root);
}

function createStream(id: u32, parent: u32): void {
  const root = roots.get(parent);
  if (root === null) return;
  const shared = root.sharedHttpContext;
  // The first root's shared context is what a stream that is not in the table gets.
  if (shared !== null && root === roots.at(0)) return;
  let stream = shared !== null ? shared : root.createHttpContext();
  if (stream === null) stream = passedBy;
  stream.id = id;
  streams.set(id, stream);
}

export function proxy_on_vm_start(context: u32, size: u32): bool {
  enter(context);
  const root = roots.get(context);
  const data = size ? vmConfiguration.read() : null;
  const ok = root === null || root.onVmStart(data === null ? Bytes.at(0, 0) : data);
  leaveCallback();
  return ok;
}

export function proxy_on_configure(context: u32, size: u32): bool {
  enter(context);
  const root = roots.get(context);
  const data = size ? pluginConfiguration.read() : null;
  const ok = root !== null && root.onConfigure(data === null ? Bytes.at(0, 0) : data);
  leaveCallback();
  return ok;
}

export function proxy_on_tick(context: u32): void {
  enter(context);
  const root = roots.get(context);
  if (root !== null) root.onTick();
  leaveCallback();
}

export function proxy_on_queue_ready(context: u32, queue: u32): void {
  enter(context);
  const root = roots.get(context);
  if (root !== null) root.onQueueReady(queue);
  leaveCallback();
}

export function proxy_on_foreign_function(context: u32, functionId: u32, size: u32): void {
  enter(context);
  const root = roots.get(context);
  if (root !== null) root.onForeignFunction(functionId, size);
  leaveCallback();
}

export function proxy_on_request_headers(context: u32, count: u32, endOfStream: u32): FilterHeadersStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterHeadersStatus.Continue : stream.onRequestHeaders(endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_body(context: u32, size: u32, endOfStream: u32): FilterDataStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterDataStatus.Continue : stream.onRequestBody(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_trailers(context: u32, count: u32): FilterTrailersStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterTrailersStatus.Continue : stream.onRequestTrailers();
  leaveCallback();
  return status;
}

export function proxy_on_response_headers(context: u32, count: u32, endOfStream: u32): FilterHeadersStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterHeadersStatus.Continue : stream.onResponseHeaders(endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_body(context: u32, size: u32, endOfStream: u32): FilterDataStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterDataStatus.Continue : stream.onResponseBody(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_trailers(context: u32, count: u32): FilterTrailersStatus {
  enter(context);
  const stream = streamOf(context);
  const status = stream === null ? FilterTrailersStatus.Continue : stream.onResponseTrailers();
  leaveCallback();
  return status;
}

export function proxy_on_log(context: u32): void {
  enter(context);
  const stream = roots.get(context) === null ? streamOf(context) : null;
  if (stream !== null) stream.onLog();
  leaveCallback();
}

export function proxy_on_done(context: u32): bool {
  enter(context);
  let done = true;
  const root = roots.get(context);
  if (root !== null) {
    done = root.onDone();
  } else {
    const stream = streamOf(context);
    if (stream !== null) stream.onDone();
  }
  leaveCallback();
  return done;
}

export function proxy_on_delete(context: u32): void {
  enter(context);
  const root = roots.get(context);
  if (root !== null) {
    root.onDelete();
    roots.delete(context);
  } else {
    const stream = streamOf(context);
    if (stream !== null) stream.onDelete();
    if (streams.size) streams.delete(context);
  }
  leaveCallback();
}
