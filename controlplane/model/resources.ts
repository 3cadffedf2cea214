import type { Origin } from "./document.ts";

/** What every resource has. `origin` says where it was written, for errors found later. */
interface ResourceOf<Kind extends string, Spec> {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly origin: Origin;
}

export interface Metadata {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Service = ResourceOf<"Service", ServiceSpec>;
export type HTTPRoute = ResourceOf<"HTTPRoute", HTTPRouteSpec>;
export type FilterPolicy = ResourceOf<"FilterPolicy", FilterPolicySpec>;
export type Quota = ResourceOf<"Quota", QuotaSpec>;

/** Beside what is written it holds the paths of its files as the source can read them. */
export interface WasmModule extends ResourceOf<"WasmModule", WasmModuleSpec> {
  readonly filePath: string;
  readonly schemaPath?: string;
}

export type Resource = Service | HTTPRoute | WasmModule | FilterPolicy | Quota;
export type Kind = Resource["kind"];

// The types below are the JSON Schemas of schemas/, with defaults filled in.

export interface ServiceSpec {
  readonly port: number;
  readonly protocol: "HTTP" | "HTTP2";
  readonly connectTimeout: string;
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly sidecar?: Sidecar;
}

export interface Sidecar {
  readonly node: string;
  readonly inboundPort: number;
  readonly outboundPort?: number;
  readonly address?: string;
  readonly outboundAddress: string;
}

export interface WasmModuleSpec {
  readonly file: string;
  readonly schema?: string;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface FilterPolicySpec {
  readonly targetRefs: readonly { readonly name: string }[];
  readonly direction: "Inbound" | "Outbound";
  readonly order: number;
  readonly module: string;
  readonly rootId?: string;
  readonly failurePolicy: "FailReload" | "FailClosed" | "FailOpen";
  readonly vmConfiguration?: string | JsonObject;
  readonly configuration?: JsonObject;
}

export interface QuotaSpec {
  readonly domain: string;
  readonly bucket: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly period: string;
  readonly burst?: number;
  readonly lease?: string;
  readonly onLoss: { readonly policy: "Allow" | "Deny" | "LocalShare"; readonly fraction: number };
}

export interface HTTPRouteSpec {
  readonly parentRefs: readonly { readonly name: string; readonly port?: number }[];
  readonly hostnames: readonly string[];
  readonly rules: readonly HTTPRouteRule[];
}

export interface HTTPRouteRule {
  readonly name?: string;
  readonly matches: readonly HTTPRouteMatch[];
  readonly filters: readonly HTTPRouteFilter[];
  readonly backendRefs: readonly BackendRef[];
  readonly timeouts?: { readonly request?: string };
}

export interface HTTPRouteMatch {
  readonly path: { readonly type: "Exact" | "PathPrefix" | "RegularExpression"; readonly value: string };
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
  readonly method?: string;
}

/** A match on a header or a query parameter. */
export interface ValueMatch {
  readonly type: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

export interface BackendRef {
  readonly name: string;
  readonly port: number;
  readonly weight: number;
}

export type HTTPRouteFilter =
  | { readonly type: "RequestHeaderModifier"; readonly requestHeaderModifier: HeaderModifier }
  | { readonly type: "ResponseHeaderModifier"; readonly responseHeaderModifier: HeaderModifier };

export interface HeaderModifier {
  readonly set: readonly Header[];
  readonly add: readonly Header[];
  readonly remove: readonly string[];
}

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Everything the user has written, valid in itself. Maps are by name, in order of name. */
export interface Model {
  readonly services: ReadonlyMap<string, Service>;
  readonly httpRoutes: ReadonlyMap<string, HTTPRoute>;
  readonly wasmModules: ReadonlyMap<string, WasmModule>;
  readonly filterPolicies: ReadonlyMap<string, FilterPolicy>;
  readonly quotas: ReadonlyMap<string, Quota>;
}
