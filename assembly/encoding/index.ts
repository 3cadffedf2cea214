// Forms that bytes take in text and in messages.

export { decodeUtf8, isUtf8 } from "./utf8";
export { decodeHex, encodeHex, hexValue } from "./hex";
export { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "./base64";
export { escapeAt, percentDecode, percentEncode } from "./percent";
export { decimal } from "./decimal";
export { ByteWriter } from "./byte-writer";
export { ProtobufMapEntry, ProtobufReader, ProtobufScalars, ProtobufWriter, WireType } from "./protobuf";
