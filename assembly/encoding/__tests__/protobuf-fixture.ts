// A filter that reads the message in a request's header field by field and answers with what it writes of it. The message is
// that of protobuf.test.ts.

import {
  Bytes,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  ProtobufMapEntry,
  ProtobufReader,
  ProtobufScalars,
  ProtobufWriter,
  WireType,
  decodeHex,
  encodeHex,
  registerHttpContext,
  requestHeaders,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

const MESSAGE: HeaderName = new HeaderName("x-message");

class EchoStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const writer = ProtobufWriter.create(0);
    const message = decodeHex(requestHeaders.find(MESSAGE)!)!;
    sendLocalResponse(200, echo(message, writer, 0) ? encodeHex(writer.message).toString() : "malformed");
    return FilterHeadersStatus.StopIteration;
  }
}

function echo(message: Bytes, writer: ProtobufWriter, depth: i32): bool {
  if (depth > 20) return false;
  const reader = ProtobufReader.of(message);
  while (reader.next()) {
    const field = reader.field;
    switch (field) {
      case 1: // int32
        writer.varint(field, <u64>(<i64>(<i32>reader.number)));
        break;
      case 2: // uint64
        writer.varint(field, reader.number);
        break;
      case 3: // sint64
        writer.sint(field, reader.sint);
        break;
      case 4: // bool
        writer.bool(field, reader.number != 0);
        break;
      case 5: // sfixed32
        writer.fixed32(field, <u32>(<i32>reader.number));
        break;
      case 6: // fixed64
        writer.fixed64(field, reader.number);
        break;
      case 7: // float
        writer.float(field, reader.float);
        break;
      case 8: // double
        writer.double(field, reader.double);
        break;
      case 9: // string
        writer.string(field, reader.content.toString());
        break;
      case 10: // bytes
        writer.bytes(field, reader.content);
        break;
      case 11: {
        // the message itself
        const mark = writer.beginMessage(field);
        if (!echo(reader.content, writer, depth + 1)) return false;
        writer.endMessage(mark);
        break;
      }
      case 12: // repeated sint32
        if (!echoPacked(reader, writer)) return false;
        break;
      case 13: // repeated double
        if (!echoFixed(reader, writer)) return false;
        break;
      case 14: {
        // map<string, string>
        const entry = ProtobufMapEntry.read(reader.content);
        if (entry === null) return false;
        writer.mapEntry(field, entry.key, entry.value);
        break;
      }
      case 15: {
        // map<uint32, int64>
        const entry = ProtobufMapEntry.read(reader.content);
        if (entry === null) return false;
        const mark = writer.beginMessage(field);
        writer.varint(1, entry.keyNumber).varint(2, entry.valueNumber).endMessage(mark);
        break;
      }
      default:
        return false;
    }
  }
  return !reader.malformed;
}

function echoPacked(reader: ProtobufReader, writer: ProtobufWriter): bool {
  const numbers = ProtobufScalars.of(reader, WireType.Varint);
  const mark = writer.beginPacked(reader.field);
  while (numbers.next()) writer.packedSint(numbers.sint);
  writer.endMessage(mark);
  return !numbers.malformed;
}

function echoFixed(reader: ProtobufReader, writer: ProtobufWriter): bool {
  const numbers = ProtobufScalars.of(reader, WireType.I64);
  const mark = writer.beginPacked(reader.field);
  while (numbers.next()) writer.packedDouble(numbers.double);
  writer.endMessage(mark);
  return !numbers.malformed;
}

registerHttpContext("", () => new EchoStream());
