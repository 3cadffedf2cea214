// Values of the Proxy-Wasm ABI 0.2.1, named as the specification and Envoy name them.

/** Result of a host call (`proxy_status_t`). */
export enum Status {
  Ok = 0,
  /** The entity (property, header, key, cluster, function) does not exist. */
  NotFound = 1,
  /** An argument was out of range, or the call is not possible in this callback. */
  BadArgument = 2,
  SerializationFailure = 3,
  ParseFailure = 4,
  BadExpression = 5,
  InvalidMemoryAccess = 6,
  /** The shared queue is empty. */
  Empty = 7,
  /** The compare-and-set value was not the current one. */
  CasMismatch = 8,
  ResultMismatch = 9,
  InternalFailure = 10,
  BrokenConnection = 11,
  Unimplemented = 12,
}

/** Level of a log line. */
export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
}

/** The maps of the host; `HeaderMap` stands for one of them. */
export enum MapType {
  HttpRequestHeaders = 0,
  HttpRequestTrailers = 1,
  HttpResponseHeaders = 2,
  HttpResponseTrailers = 3,
  GrpcReceiveInitialMetadata = 4,
  GrpcReceiveTrailingMetadata = 5,
  HttpCallResponseHeaders = 6,
  HttpCallResponseTrailers = 7,
}

/** The buffers of the host; `Buffer` stands for one of them. */
export enum BufferType {
  HttpRequestBody = 0,
  HttpResponseBody = 1,
  NetworkDownstreamData = 2,
  NetworkUpstreamData = 3,
  HttpCallResponseBody = 4,
  GrpcReceiveBuffer = 5,
  VmConfiguration = 6,
  PluginConfiguration = 7,
  CallData = 8,
}

/** The directions of a stream that can be continued or closed. */
export enum StreamType {
  HttpRequest = 0,
  HttpResponse = 1,
  Downstream = 2,
  Upstream = 3,
}

/** Kinds of metrics. */
export enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}

/** What `onRequestHeaders` and `onResponseHeaders` answer. */
export enum FilterHeadersStatus {
  Continue = 0,
  /** Holds the stream. Envoy treats it as `StopAllIterationAndWatermark` unless the plugin allows otherwise. */
  StopIteration = 1,
  /** Holds the stream and buffers its body; over the buffer limit Envoy answers 413 itself. */
  StopAllIterationAndBuffer = 3,
  /** Holds the stream and slows the sender down when buffers fill. */
  StopAllIterationAndWatermark = 4,
}

/** What `onRequestBody` and `onResponseBody` answer. */
export enum FilterDataStatus {
  Continue = 0,
  /** Keeps what has come so far; the next call sees all of it. Over the buffer limit Envoy answers 413 or 500 itself. */
  StopIterationAndBuffer = 1,
  StopIterationAndWatermark = 2,
  StopIterationNoBuffer = 3,
}

/** What `onRequestTrailers` and `onResponseTrailers` answer. */
export enum FilterTrailersStatus {
  Continue = 0,
  StopIteration = 1,
}

/** What `onRequestMetadata` and `onResponseMetadata` answer. */
export enum FilterMetadataStatus {
  Continue = 0,
}

/** What the callbacks of a TCP connection answer. */
export enum FilterStatus {
  Continue = 0,
  /** Keeps the data from the next filter; the next call of the callback sees it with what came later. */
  StopIteration = 1,
}

/** Which side closed a TCP connection. */
export enum CloseType {
  Unknown = 0,
  /** The host did. */
  Local = 1,
  /** The peer did. */
  Remote = 2,
}

/** Status of a gRPC call, as grpc.io's status codes. */
export enum GrpcStatus {
  /** The peer sent none that is a number. */
  InvalidCode = -1,
  Ok = 0,
  Canceled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
}
