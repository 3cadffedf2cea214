// `envoy.service.auth.v3.CheckRequest`.

import {
  Bytes,
  HeaderName,
  ProtobufWriter,
  StringAttribute,
  attributes,
  isIpv4,
  isIpv6,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { withoutPort } from "../../../common/client-address";
import { wellFormed } from "./well-formed";

const METHOD: HeaderName = new HeaderName(":method");
const PATH: HeaderName = new HeaderName(":path");
const AUTHORITY: HeaderName = new HeaderName(":authority");
const SCHEME: HeaderName = new HeaderName(":scheme");
const REQUEST_ID: HeaderName = new HeaderName("x-request-id");
const SERVICE_CLUSTER: HeaderName = new HeaderName("x-envoy-downstream-service-cluster");

// @ts-ignore: decorator
@inline const BILLION: i64 = 1_000_000_000;

/**
 * Writes the current request as Envoy's own filter does: `query` and `fragment` stay empty, for `path` has them; lines of a
 * header that repeats are joined by commas; a byte that is no UTF-8 becomes `!`, so that no client can make a message that
 * the authorizer cannot read.
 * @param extensions `context_extensions`: names and values by turns.
 * @param allowed Headers to tell of; null for all.
 */
export function writeCheckRequest(extensions: string[], allowed: string[] | null): Bytes {
  const writer = ProtobufWriter.create(1024);
  const root = writer.beginMessage(1);
  writeSource(writer);
  writeDestination(writer);
  writeRequest(writer, allowed);
  for (let i = 0; i + 1 < extensions.length; i += 2) {
    writer.mapEntry(10, Bytes.utf8(extensions[i]), Bytes.utf8(extensions[i + 1]));
  }
  const serverName = attributes.connection.requestedServerName.bytes();
  if (serverName !== null && serverName.size) {
    const session = writer.beginMessage(12);
    writer.bytes(1, wellFormed(serverName)).endMessage(session);
  }
  return writer.endMessage(root).message;
}

function writeSource(writer: ProtobufWriter): void {
  const mark = writer.beginMessage(1);
  writeAddress(writer, attributes.source.address.bytes(), <u32>attributes.source.port.i64());
  const service = requestHeaders.find(SERVICE_CLUSTER);
  if (service !== null && service.size) writer.bytes(2, wellFormed(service));
  if (attributes.connection.mtls.bool()) {
    writePrincipal(
      writer,
      attributes.connection.uriSanPeerCertificate,
      attributes.connection.dnsSanPeerCertificate,
      attributes.connection.subjectPeerCertificate,
    );
  }
  writer.endMessage(mark);
}

function writeDestination(writer: ProtobufWriter): void {
  const mark = writer.beginMessage(2);
  writeAddress(writer, attributes.destination.address.bytes(), <u32>attributes.destination.port.i64());
  writePrincipal(
    writer,
    attributes.connection.uriSanLocalCertificate,
    attributes.connection.dnsSanLocalCertificate,
    attributes.connection.subjectLocalCertificate,
  );
  writer.endMessage(mark);
}

function writeAddress(writer: ProtobufWriter, address: Bytes | null, port: u32): void {
  if (address === null) return;
  const host = withoutPort(address);
  const mark = writer.beginMessage(1);
  if (isAddress(host.toString())) {
    const socket = writer.beginMessage(1);
    writer.bytes(2, host).varint(3, port).endMessage(socket);
  } else {
    const pipe = writer.beginMessage(2);
    writer.bytes(1, wellFormed(address)).endMessage(pipe);
  }
  writer.endMessage(mark);
}

function isAddress(text: string): bool {
  return isIpv4(text) || isIpv6(text);
}

/** The first of the names in a certificate that is there, in the order of Envoy. */
function writePrincipal(
  writer: ProtobufWriter,
  uri: StringAttribute,
  dns: StringAttribute,
  subject: StringAttribute,
): void {
  let name = uri.bytes();
  if (name === null || name.size == 0) name = dns.bytes();
  if (name === null || name.size == 0) name = subject.bytes();
  if (name !== null && name.size) writer.bytes(4, wellFormed(name));
}

function writeRequest(writer: ProtobufWriter, allowed: string[] | null): void {
  const mark = writer.beginMessage(4);
  const nanoseconds = attributes.request.time.nanoseconds();
  const time = writer.beginMessage(1);
  writer
    .varint(1, nanoseconds / BILLION)
    .varint(2, nanoseconds % BILLION)
    .endMessage(time);
  const http = writer.beginMessage(2);
  writeHeader(writer, 1, REQUEST_ID);
  writeHeader(writer, 2, METHOD);
  writeHeaders(writer, allowed);
  writeHeader(writer, 4, PATH);
  writeHeader(writer, 5, AUTHORITY);
  writeHeader(writer, 6, SCHEME);
  writer.varint(9, attributes.request.size.i64());
  const protocol = attributes.request.protocol.bytes();
  if (protocol !== null) writer.bytes(10, wellFormed(protocol));
  writer.endMessage(http);
  writer.endMessage(mark);
}

function writeHeader(writer: ProtobufWriter, field: u32, name: HeaderName): void {
  const value = requestHeaders.find(name);
  if (value !== null && value.size) writer.bytes(field, wellFormed(value));
}

function writeHeaders(writer: ProtobufWriter, allowed: string[] | null): void {
  for (let i = 0, count = requestHeaders.count; i < count; ++i) {
    const name = requestHeaders.nameAt(i);
    if ((allowed !== null && !isOneOf(name, allowed)) || stoodBefore(name, i)) continue;
    writer.mapEntry(3, wellFormed(name), wellFormed(joinedFrom(name, i)));
  }
}

function isOneOf(name: Bytes, names: string[]): bool {
  for (let i = 0; i < names.length; ++i) {
    if (name.isIgnoreCase(unchecked(names[i]))) return true;
  }
  return false;
}

function stoodBefore(name: Bytes, index: i32): bool {
  for (let i = 0; i < index; ++i) {
    if (requestHeaders.nameAt(i).equals(name)) return true;
  }
  return false;
}

/** All values of a header, the first of which is at `index`, joined by commas. */
function joinedFrom(name: Bytes, index: i32): Bytes {
  let joined = requestHeaders.valueAt(index);
  for (let i = index + 1; i < requestHeaders.count; ++i) {
    if (!requestHeaders.nameAt(i).equals(name)) continue;
    const value = requestHeaders.valueAt(i);
    const both = Bytes.allocate(joined.size + 1 + value.size);
    memory.copy(both.pointer, joined.pointer, joined.size);
    both[joined.size] = 0x2c;
    memory.copy(both.pointer + joined.size + 1, value.pointer, value.size);
    joined = both;
  }
  return joined;
}
