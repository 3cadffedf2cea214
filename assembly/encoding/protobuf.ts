// The wire format of protocol buffers: https://protobuf.dev/programming-guides/encoding

export { WireType } from "./protobuf-wire";
export { ProtobufReader } from "./protobuf-reader";
export { ProtobufMapEntry, ProtobufScalars } from "./protobuf-values";
export { ProtobufWriter } from "./protobuf-writer";
