import { fromBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from "@grpc/grpc-js";
import { ExportLogsServiceRequestSchema } from "../../controlplane/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js";
import { ExportTraceServiceRequestSchema } from "../../controlplane/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js";
import type { KeyValue } from "../../controlplane/gen/opentelemetry/proto/common/v1/common_pb.js";
import type { LogRecord } from "../../controlplane/gen/opentelemetry/proto/logs/v1/logs_pb.js";
import type { Span } from "../../controlplane/gen/opentelemetry/proto/trace/v1/trace_pb.js";

/** A record or span, and the attributes of its resource. */
export interface Received<T> {
  readonly resource: Readonly<Record<string, string>>;
  readonly what: T;
}

// The descriptors have the names that OTLP had before 1.0; on the wire they are the same fields.

/** A collector of OpenTelemetry: takes logs and traces as OTLP over gRPC, and keeps them. */
export class Collector {
  readonly logs: Received<LogRecord>[] = [];
  readonly spans: Received<Span>[] = [];
  readonly #server = new Server();
  port = 0;

  static async start(): Promise<Collector> {
    const collector = new Collector();
    collector.#serve("opentelemetry.proto.collector.logs.v1.LogsService", (bytes) => {
      for (const { resource, instrumentationLibraryLogs } of fromBinary(ExportLogsServiceRequestSchema, bytes)
        .resourceLogs) {
        for (const what of instrumentationLibraryLogs.flatMap(({ logs }) => logs))
          collector.logs.push({ resource: textsOf(resource?.attributes), what });
      }
    });
    collector.#serve("opentelemetry.proto.collector.trace.v1.TraceService", (bytes) => {
      for (const { resource, instrumentationLibrarySpans } of fromBinary(ExportTraceServiceRequestSchema, bytes)
        .resourceSpans) {
        for (const what of instrumentationLibrarySpans.flatMap(({ spans }) => spans))
          collector.spans.push({ resource: textsOf(resource?.attributes), what });
      }
    });
    collector.port = await new Promise<number>((resolve, reject) => {
      collector.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return collector;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #serve(service: string, take: (bytes: Uint8Array) => void): void {
    const definition: ServiceDefinition = {
      Export: {
        path: `/${service}/Export`,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: Buffer) => value,
        requestDeserialize: (value: Buffer) => value,
        responseSerialize: (value: Buffer) => value,
        responseDeserialize: (value: Buffer) => value,
      },
    };
    this.#server.addService(definition, {
      // An answer without fields says that all was taken.
      Export: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        take(call.request);
        answer(null, Buffer.alloc(0));
      },
    });
  }
}

/** Attributes that are texts, by their names. */
export function textsOf(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(
    attributes.flatMap(({ key, value }) => (value?.value.case === "stringValue" ? [[key, value.value.value]] : [])),
  );
}
