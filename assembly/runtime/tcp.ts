// TCP connections. The transform adds this file to modules that have a `TcpContext`.

import { CloseType, FilterStatus } from "../abi/enums";
import { RootContext } from "../context";
import { TcpContext } from "../tcp/context";
import { enterCallback, leaveCallback } from "./callback";
import { ContextTable } from "./context-table";
import { setCurrentRoot } from "./scope";

// An entry for each context that is no root, of which the host does not say what it is. It gets its `TcpContext` with
// the first callback of a connection.
const connections: ContextTable<TcpContext> = new ContextTable<TcpContext>();
const passedBy: TcpContext = new PassedBy();

/** Serves the connections that a plugin did not want. */
class PassedBy extends TcpContext {}

function connectionOf(id: u32): TcpContext | null {
  const slot = connections.find(id);
  if (slot < 0) return null;
  setCurrentRoot(connections.rootAt(slot));
  return connections.contextAt(slot);
}

function openConnection(id: u32): TcpContext | null {
  const slot = connections.find(id);
  if (slot < 0) return null;
  const root = connections.rootAt(slot);
  setCurrentRoot(root);
  const open = connections.contextAt(slot);
  if (open !== null || root === null) return open;
  let connection = root.createTcpContext();
  if (connection === null) connection = passedBy;
  connection.id = id;
  connections.set(id, root, connection);
  return connection;
}

export function proxy_on_new_connection(context: u32): FilterStatus {
  enterCallback(context);
  const connection = openConnection(context);
  const status = connection === null ? FilterStatus.Continue : connection.onNewConnection();
  leaveCallback();
  return status;
}

export function proxy_on_downstream_data(context: u32, size: u32, endOfStream: u32): FilterStatus {
  enterCallback(context);
  const connection = connectionOf(context);
  const status = connection === null ? FilterStatus.Continue : connection.onDownstreamData(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_upstream_data(context: u32, size: u32, endOfStream: u32): FilterStatus {
  enterCallback(context);
  const connection = connectionOf(context);
  const status = connection === null ? FilterStatus.Continue : connection.onUpstreamData(size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_downstream_connection_close(context: u32, closeType: u32): void {
  enterCallback(context);
  const connection = connectionOf(context);
  if (connection !== null) connection.onDownstreamClose(<CloseType>closeType);
  leaveCallback();
}

export function proxy_on_upstream_connection_close(context: u32, closeType: u32): void {
  enterCallback(context);
  const connection = connectionOf(context);
  if (connection !== null) connection.onUpstreamClose(<CloseType>closeType);
  leaveCallback();
}

// What `exports.ts` asks of this file: each answers whether the context is a connection.

// @ts-ignore: decorator
@global
function __createConnection(id: u32, root: RootContext): void {
  connections.set(id, root, null);
}

// @ts-ignore: decorator
@global
function __endConnection(id: u32): bool {
  const connection = connectionOf(id);
  if (connection === null) return false;
  connection.onDone();
  return true;
}

// @ts-ignore: decorator
@global
function __logConnection(id: u32): bool {
  const connection = connectionOf(id);
  if (connection === null) return false;
  connection.onLog();
  return true;
}

// @ts-ignore: decorator
@global
function __deleteConnection(id: u32): bool {
  const connection = connectionOf(id);
  if (connection !== null) connection.onDelete();
  connections.delete(id);
  return connection !== null;
}
