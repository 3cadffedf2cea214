export { dumpConfig, type ConfigDump, type ResourceDump, type Standing, type TypeDump } from "./dump.ts";
export { UnknownError, type InspectSource } from "./node.ts";
export { resourceJson } from "./resource-json.ts";
export { trace, type Origin, type Trace, type TracedResource } from "./trace.ts";
export { typeNames, typeUrlOf } from "./types.ts";
