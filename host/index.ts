/** A Proxy-Wasm host for Node: runs a filter module without Envoy, with Envoy's behaviour. See README.md. */

export * from "./abi/enums.ts";
export { CALLBACK_EXPORTS, EXPORTS, exportSignature, type CallbackName, type ExportName } from "./abi/exports.ts";
export {
  ALLOWED_AT_START,
  ALLOWED_IN_ALLOCATOR,
  ENV_IMPORTS,
  importSignature,
  WASI_IMPORTS,
  type AbiVersion,
  type EnvImport,
  type WasiImport,
} from "./abi/imports.ts";
export { inspectModule, type Inspection, type Problem } from "./abi/inspect.ts";
export { formatSignature, sameSignature, type Signature, type ValueType } from "./abi/signature.ts";
export { readWasm, type Export, type Import } from "./abi/wasm-binary.ts";
export type { AccessLogEntry } from "./access-log.ts";
export type { Bytes } from "./bytes.ts";
export { Clock } from "./clock.ts";
export { encodeFields, Fields } from "./foreign/protobuf.ts";
export {
  ENVOY_FOREIGN_FUNCTIONS,
  type ForeignFunction,
  type ForeignHost,
  type ForeignResult,
} from "./foreign/registry.ts";
export type { GrpcCall, GrpcEnd } from "./grpc-call.ts";
export { HeaderMap, type HeadersInit } from "./header-map.ts";
export { ModuleError, ProxyWasmHost, type HostOptions, type PluginOptions } from "./host.ts";
export type { HttpCall } from "./http-call.ts";
export type { HttpStream } from "./http-stream.ts";
export type {
  BodyOutcome,
  HeadersOutcome,
  HttpStreamOptions,
  LocalResponse,
  Settled,
  TrailersOutcome,
} from "./outcomes.ts";
export { formatLog, type Log, type LogLine } from "./log.ts";
export { Metrics, type Metric } from "./metrics.ts";
export { decodePairs, encodePairs, PAIRS_MAX_BYTES, PAIRS_MAX_COUNT, type Pair } from "./pairs.ts";
export type { FailedStage, FailurePolicy, Plugin, PluginFailure } from "./plugin.ts";
export { double, encodeProperty, type Property, type PropertyMap } from "./properties.ts";
export { seededRandom, type Random } from "./random.ts";
export { SharedData } from "./shared-data.ts";
export { SharedQueues } from "./shared-queue.ts";
export type { TcpAction } from "./tcp-context.ts";
export type { Received, TcpOutcome, TcpStream, TcpStreamOptions } from "./tcp-stream.ts";
export type { RequestInit, ResponseInit } from "./message.ts";
export { testFilter, TestFilter, type TestFilterOptions } from "./test-filter.ts";
export { WasmTrap } from "./trap.ts";
export {
  checkModule,
  ModuleChecker,
  type CheckLimits,
  type CheckOptions,
  type CheckResult,
  type CheckRun,
  type CheckStage,
} from "./check.ts";
export type { RunStage } from "./check-thread.ts";
