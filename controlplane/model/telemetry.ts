// The types of a Telemetry: schemas/telemetry.json, with defaults filled in.

export interface TelemetrySpec {
  readonly targetRefs?: readonly { readonly name: string }[];
  readonly accessLogs?: readonly AccessLog[];
  readonly tracing?: Tracing;
  readonly prometheus?: Prometheus;
}

interface AnyAccessLog {
  readonly direction?: "Inbound" | "Outbound";
  readonly minimumStatus?: number;
  readonly percentage: number;
}

export interface FileAccessLog extends AnyAccessLog {
  readonly type: "File";
  readonly path?: string;
  readonly text?: string;
  readonly json?: Readonly<Record<string, string>>;
}

export interface OtlpAccessLog extends AnyAccessLog {
  readonly type: "OTLP";
  readonly collector: { readonly name: string };
  readonly body?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export type AccessLog = FileAccessLog | OtlpAccessLog;

export interface Tracing {
  readonly collector: { readonly name: string };
  readonly percentage: number;
  readonly customTags?: readonly CustomTag[];
}

export type CustomTag = { readonly name: string; readonly defaultValue?: string } & (
  | { readonly type: "Literal"; readonly value: string }
  | { readonly type: "RequestHeader"; readonly header: string }
  | { readonly type: "Environment"; readonly variable: string }
);

export interface Prometheus {
  readonly port: number;
  readonly address?: string;
}
