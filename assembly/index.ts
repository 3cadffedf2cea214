// proxy-wasm-assemblyscript-sdk: everything that a filter author uses.

export * from "./abi/enums";
export { Bytes } from "./bytes";
export { RootContext, HttpContext, pluginDone, setEffectiveContext } from "./context";
export { registerRootContext, registerHttpContext, registerTcpContext } from "./runtime/registry";
export { contextId } from "./runtime/scope";
export { TcpContext } from "./tcp/context";
export {
  downstreamData,
  upstreamData,
  continueDownstream,
  continueUpstream,
  closeDownstream,
  closeUpstream,
} from "./tcp/connection";
export { HttpCall, HttpCallReply, HttpCallResponse, CalloutFailure, Join } from "./callout";
export { GrpcMethod, GrpcReply, GrpcService, GrpcStream } from "./grpc";
export { SharedQueue } from "./queue";
export { Timer } from "./timer";
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
export {
  Attribute,
  BoolAttribute,
  DurationAttribute,
  IntAttribute,
  MapAttribute,
  MessageAttribute,
  MetadataAttribute,
  Pairs,
  Property,
  StringAttribute,
  TimestampAttribute,
  UintAttribute,
  attributes,
} from "./properties";
export {
  CREATE,
  SharedCounter,
  SharedLock,
  SharedUpdate,
  SharedUpdateResult,
  SharedValue,
  getSharedData,
  setSharedData,
  updateSharedData,
} from "./shared";
export { FilterState, FilterStateType, LifeSpan, setEnvoyFilterState } from "./filter-state";
export { BodyHandler, BufferedBody, ReplacedBody, StreamedBody } from "./body";
export { Xoshiro256, randomBelow, randomBytes, randomF64, randomU64 } from "./random";
export { Counter, CounterFamily, Gauge, GaugeFamily, Histogram, HistogramFamily, MetricFamily } from "./metrics";
export { Duration, currentTimeNanoseconds, currentTimeSeconds, monotonicTimeNanoseconds, setTickPeriod } from "./time";
export { log, logBytes, logDebug, logInfo, logWarn, logError, isLogging } from "./log";
export {
  Expression,
  callForeignFunction,
  canSign,
  compress,
  foreignResult,
  foreignStatus,
  sign,
  uncompress,
} from "./foreign";
export { Config, ConfigObject } from "./config";
export { Hasher64, hash64 } from "./hash/xxh64";
export {
  BlockHash,
  Hmac,
  HmacSha1,
  HmacSha256,
  HmacSha384,
  HmacSha512,
  Sha1,
  Sha224,
  Sha256,
  Sha384,
  Sha512,
  SignatureVerdict,
  canVerifySignatures,
  constantTimeEquals,
  pbkdf2Sha256,
  sha1,
  sha256,
  sha384,
  sha512,
  verifySignature,
} from "./crypto";
export {
  ED25519_KEY_SIZE,
  P256_SIZE,
  P384_SIZE,
  P521_SIZE,
  RsaPssKey,
  SHA256_SIZE,
  bitLength,
  ecPublicKey,
  ecdsaSignature,
  isEd25519Key,
  p256PublicKey,
  rsaPublicKey,
  verifyEd25519,
} from "./crypto";
export {
  ByteWriter,
  decimal,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  escapeAt,
  hexValue,
  percentDecode,
  percentEncode,
} from "./encoding";
export { ProtobufMapEntry, ProtobufReader, ProtobufScalars, ProtobufWriter, WireType, isUtf8 } from "./encoding";
export {
  HttpUrl,
  Query,
  QueryBuilder,
  RequestTarget,
  isIpv4,
  isIpv6,
  pathOf,
  removeQueryParameter,
  setQueryParameter,
  urlError,
} from "./url";
export { SameSite, SetCookie, cookieValue, getRequestCookie, requestCookie } from "./cookie";
export { EscapedSlashes, PathNormalizer, PathVerdict, normalizePath } from "./path";
export { Regex, RegexSet, regexError } from "./regex";
export { LRU_ENTRY_OVERHEAD, LruCache } from "./cache";
export { MAX_FILL_INTERVAL_MILLISECONDS, MAX_TOKENS, TokenBucket, TokenBucketState } from "./token-bucket";
export { JsonKind, JsonValue } from "./json/value";
export { JsonWriter, stringifyJson } from "./json/writer";
export { parseJson, jsonError } from "./json/parse";
