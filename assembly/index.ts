// proxy-wasm-assemblyscript-sdk: everything that a filter author uses.

export * from "./abi/enums";
export { Bytes } from "./bytes";
export { RootContext, HttpContext, setEffectiveContext } from "./context";
export { registerRootContext, registerHttpContext } from "./runtime/registry";
export { contextId } from "./runtime/exports";
export { HeaderName } from "./http/header-name";
export { HeaderList } from "./http/header-list";
export { HeaderMap, requestHeaders, requestTrailers, responseHeaders, responseTrailers } from "./http/header-map";
export {
  sendLocalResponse,
  sendLocalResponseBytes,
  continueRequest,
  continueResponse,
  closeStream,
  clearRouteCache,
} from "./http/stream";
export { Buffer, requestBody, responseBody, pluginConfiguration, vmConfiguration, callData } from "./buffer";
export { Property } from "./property";
export { SharedValue, getSharedData, setSharedData } from "./shared-data";
export { Counter, Gauge, Histogram } from "./metrics";
export { currentTimeNanoseconds, currentTimeSeconds, setTickPeriod } from "./time";
export { log, logDebug, logInfo, logWarn, logError, isLogging } from "./log";
export { callForeignFunction, foreignResult } from "./foreign";
export { Config, ConfigObject } from "./config";
export { JsonKind, JsonValue } from "./json/value";
export { parseJson, jsonError } from "./json/parse";
