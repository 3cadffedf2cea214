// What the host knows of the request, the connection, the node and more.

export { attributes } from "./attributes";
export {
  Attribute,
  BoolAttribute,
  DurationAttribute,
  IntAttribute,
  MapAttribute,
  MessageAttribute,
  MetadataAttribute,
  StringAttribute,
  TimestampAttribute,
  UintAttribute,
} from "./attribute";
export { Pairs } from "./pairs";
export { Property } from "./property";
