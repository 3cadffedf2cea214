// proxy-wasm-assemblyscript-sdk: everything that a filter author uses.

export * from "./abi/enums";
export { Bytes } from "./bytes";
export { RootContext, HttpContext, pluginDone, setEffectiveContext } from "./context";
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
export { Hasher64, hash64 } from "./hash/xxh64";
export {
  SignatureVerdict,
  HmacSha256,
  Sha256,
  canVerifySignatures,
  constantTimeEquals,
  sha256,
  verifySignature,
} from "./crypto";
export {
  P256_SIZE,
  SHA256_BLOCK_SIZE,
  SHA256_SIZE,
  bitLength,
  ecdsaSignature,
  p256PublicKey,
  rsaPublicKey,
} from "./crypto";
export {
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  hexValue,
} from "./encoding";
export { ProtobufReader, ProtobufWriter, WireType, isUtf8 } from "./encoding";
export { JsonKind, JsonValue } from "./json/value";
export { parseJson, jsonError } from "./json/parse";
