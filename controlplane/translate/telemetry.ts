import { create } from "@bufbuild/protobuf";
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type {
  AccessLog as AccessLogMessage,
  AccessLogFilterSchema,
} from "#gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogSchema, ComparisonFilter_Op } from "#gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { ApiVersion } from "#gen/envoy/config/core/v3/config_source_pb.js";
import { SubstitutionFormatStringSchema } from "#gen/envoy/config/core/v3/substitution_format_string_pb.js";
import type { GrpcServiceSchema } from "#gen/envoy/config/core/v3/grpc_service_pb.js";
import { OpenTelemetryConfigSchema } from "#gen/envoy/config/trace/v3/opentelemetry_pb.js";
import { FileAccessLogSchema } from "#gen/envoy/extensions/access_loggers/file/v3/file_pb.js";
import { OpenTelemetryAccessLogConfigSchema } from "#gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js";
import type { HttpConnectionManager_Tracing } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { HttpConnectionManager_TracingSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { FractionalPercent_DenominatorType } from "#gen/envoy/type/v3/percent_pb.js";
import type { CustomTagSchema } from "#gen/envoy/type/tracing/v3/custom_tag_pb.js";
import type {
  AccessLog,
  CustomTag,
  FileAccessLog,
  Model,
  OtlpAccessLog,
  TelemetrySpec,
  Tracing,
} from "../model/index.ts";
import { outboundName } from "./names.ts";

export interface ManagerTelemetry {
  readonly accessLog?: AccessLogMessage[];
  readonly tracing?: HttpConnectionManager_Tracing;
}

/** What a connection manager tells. */
export function managerTelemetry(
  { accessLogs = [], tracing }: TelemetrySpec,
  direction: "Inbound" | "Outbound",
  service: string,
  model: Pick<Model, "services">,
): ManagerTelemetry {
  const logs = accessLogs.filter((log) => (log.direction ?? direction) === direction);
  return {
    ...(logs.length === 0 ? {} : { accessLog: logs.map((log) => accessLog(log, service, model)) }),
    ...(tracing === undefined ? {} : { tracing: tracer(tracing, service, model) }),
  };
}

function accessLog(log: AccessLog, service: string, model: Pick<Model, "services">): AccessLogMessage {
  const filter = filterOf(log);
  const made = log.type === "File" ? fileLog(log) : otlpLog(log, service, model);
  return create(AccessLogSchema, { ...made, ...(filter === undefined ? {} : { filter }) });
}

type Logger = Pick<MessageInitShape<typeof AccessLogSchema>, "name" | "configType">;

function fileLog({ path = "/dev/stdout", text, json }: FileAccessLog): Logger {
  const line = text === undefined ? undefined : text.endsWith("\n") ? text : `${text}\n`;
  const format =
    line !== undefined
      ? ({ case: "textFormatSource", value: { specifier: { case: "inlineString", value: line } } } as const)
      : json === undefined
        ? undefined
        : ({ case: "jsonFormat", value: json as JsonObject } as const);
  const config = create(FileAccessLogSchema, { path });
  if (format !== undefined) {
    const logFormat = { case: "logFormat", value: create(SubstitutionFormatStringSchema, { format }) } as const;
    config.accessLogFormat = logFormat;
  }
  return {
    name: "envoy.access_loggers.file",
    configType: { case: "typedConfig", value: anyPack(FileAccessLogSchema, config) },
  };
}

/** Attributes of a record that has none written, after OpenTelemetry's conventions for HTTP. */
const defaultAttributes: Readonly<Record<string, string>> = {
  "http.request.method": "%REQ(:METHOD)%",
  "url.path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  "server.address": "%REQ(:AUTHORITY)%",
  "http.response.status_code": "%RESPONSE_CODE%",
  "client.address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "user_agent.original": "%REQ(USER-AGENT)%",
  "http.request.body.size": "%BYTES_RECEIVED%",
  "http.response.body.size": "%BYTES_SENT%",
  "envoy.response_flags": "%RESPONSE_FLAGS%",
  "envoy.upstream_cluster": "%UPSTREAM_CLUSTER%",
  "envoy.duration_ms": "%DURATION%",
  "envoy.request_id": "%REQ(X-REQUEST-ID)%",
};

function otlpLog(
  { collector, body, attributes }: OtlpAccessLog,
  service: string,
  model: Pick<Model, "services">,
): Logger {
  const text = (value: string) => ({ value: { case: "stringValue", value } }) as const;
  const list = (values: Readonly<Record<string, string>>) => ({
    values: Object.entries(values).map(([key, value]) => ({ key, value: text(value) })),
  });
  const config = create(OpenTelemetryAccessLogConfigSchema, {
    commonConfig: {
      logName: `meshwright ${service}`,
      transportApiVersion: ApiVersion.V3,
      grpcService: grpcService(collector.name, model),
    },
    resourceAttributes: list({ "service.name": service }),
    attributes: list(attributes ?? defaultAttributes),
    ...(body === undefined ? {} : { body: text(body) }),
  });
  return {
    name: "envoy.access_loggers.open_telemetry",
    configType: { case: "typedConfig", value: anyPack(OpenTelemetryAccessLogConfigSchema, config) },
  };
}

function filterOf({
  minimumStatus,
  percentage,
}: AccessLog): MessageInitShape<typeof AccessLogFilterSchema> | undefined {
  type Filter = MessageInitShape<typeof AccessLogFilterSchema>;
  const filters: Filter[] = [];
  if (minimumStatus !== undefined) {
    const value = { defaultValue: minimumStatus, runtimeKey: "meshwright.access_log.minimum_status" };
    const atLeast: Filter = {
      filterSpecifier: { case: "statusCodeFilter", value: { comparison: { op: ComparisonFilter_Op.GE, value } } },
    };
    // A request that was never answered has the status 0, and is what such a log is read for.
    const none: Filter = {
      filterSpecifier: {
        case: "statusCodeFilter",
        value: {
          comparison: {
            op: ComparisonFilter_Op.EQ,
            value: { defaultValue: 0, runtimeKey: "meshwright.access_log.no_status" },
          },
        },
      },
    };
    filters.push({ filterSpecifier: { case: "orFilter", value: { filters: [atLeast, none] } } });
  }
  if (percentage < 100) {
    filters.push({
      filterSpecifier: {
        case: "runtimeFilter",
        value: {
          runtimeKey: "meshwright.access_log.percentage",
          percentSampled: {
            numerator: Math.round(percentage * 10_000),
            denominator: FractionalPercent_DenominatorType.MILLION,
          },
          // Without this all logs of a request, in all sidecars, would be decided by its id alone.
          useIndependentRandomness: true,
        },
      },
    });
  }
  return filters.length > 1 ? { filterSpecifier: { case: "andFilter", value: { filters } } } : filters[0];
}

function tracer(
  { collector, percentage, customTags = [] }: Tracing,
  service: string,
  model: Pick<Model, "services">,
): HttpConnectionManager_Tracing {
  const config = create(OpenTelemetryConfigSchema, {
    grpcService: grpcService(collector.name, model),
    serviceName: service,
  });
  return create(HttpConnectionManager_TracingSchema, {
    provider: {
      name: "envoy.tracers.opentelemetry",
      configType: { case: "typedConfig", value: anyPack(OpenTelemetryConfigSchema, config) },
    },
    randomSampling: { value: percentage },
    customTags: customTags.map(customTag),
  });
}

function customTag(tag: CustomTag): MessageInitShape<typeof CustomTagSchema> {
  const fallback = tag.defaultValue === undefined ? {} : { defaultValue: tag.defaultValue };
  switch (tag.type) {
    case "Literal":
      return { tag: tag.name, type: { case: "literal", value: { value: tag.value } } };
    case "RequestHeader":
      return { tag: tag.name, type: { case: "requestHeader", value: { name: tag.header, ...fallback } } };
    case "Environment":
      return { tag: tag.name, type: { case: "environment", value: { name: tag.variable, ...fallback } } };
  }
}

function grpcService(
  collector: string,
  { services }: Pick<Model, "services">,
): MessageInitShape<typeof GrpcServiceSchema> {
  const clusterName = outboundName(collector, services.get(collector)?.spec.port ?? 0);
  return { targetSpecifier: { case: "envoyGrpc", value: { clusterName, authority: collector } } };
}
