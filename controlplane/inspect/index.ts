export { dumpConfig, type ConfigDump, type ResourceDump, type Standing, type TypeDump } from "./dump.ts";
export { nodeNamed, UnknownError, type InspectSource } from "./node.ts";
export { resourceJson } from "./resource-json.ts";
export { originOf, trace, type Origin, type Trace, type TracedResource } from "./trace.ts";
export { typeNames, typeUrlOf } from "./types.ts";
