import type { Origin } from "./document.ts";
import type { EnvoyPatchSpec } from "./envoy-patches.ts";
import type { CertificateSpec } from "./certificates.ts";
import type { MeshSpec } from "./mesh.ts";
import type { GRPCRouteSpec, HTTPRouteSpec } from "./routes.ts";
import type { RolloutSpec } from "./rollouts.ts";
import type { ServedServiceSpec, ServiceSpec } from "./services.ts";
import type { TelemetrySpec } from "./telemetry.ts";

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
  /** RFC 3339. */
  readonly creationTimestamp?: string;
}

export type Service = ResourceOf<"Service", ServiceSpec>;
/** A Service as it is served: with what the Mesh says where it says nothing itself. */
export type ServedService = ResourceOf<"Service", ServedServiceSpec>;
export type HTTPRoute = ResourceOf<"HTTPRoute", HTTPRouteSpec>;
export type GRPCRoute = ResourceOf<"GRPCRoute", GRPCRouteSpec>;
export type Route = HTTPRoute | GRPCRoute;
export type FilterPolicy = ResourceOf<"FilterPolicy", FilterPolicySpec>;
export type Quota = ResourceOf<"Quota", QuotaSpec>;
export type Rollout = ResourceOf<"Rollout", RolloutSpec>;
export type Telemetry = ResourceOf<"Telemetry", TelemetrySpec>;
export type Mesh = ResourceOf<"Mesh", MeshSpec>;
export type EnvoyPatch = ResourceOf<"EnvoyPatch", EnvoyPatchSpec>;

/** Beside what is written it holds the paths of its files as the source can read them. */
export interface WasmModule extends ResourceOf<"WasmModule", WasmModuleSpec> {
  /** Of a module in a file. */
  readonly filePath?: string;
  readonly schemaPath?: string;
  /** Of a signature in a file. */
  readonly signaturePath?: string;
}

/** Beside what is written it holds the paths of its files as the source can read them; none where it was sent without them. */
export interface Certificate extends ResourceOf<"Certificate", CertificateSpec> {
  readonly paths?: CertificateSpec;
}

export type Resource =
  | Service
  | HTTPRoute
  | GRPCRoute
  | WasmModule
  | FilterPolicy
  | Quota
  | Rollout
  | EnvoyPatch
  | Telemetry
  | Mesh
  | Certificate;
export type Kind = Resource["kind"];

// The types below are the JSON Schemas of schemas/, with defaults filled in.

/** Exactly one of `file`, `url` (with `sha256`) and `image` is there. */
export interface WasmModuleSpec {
  readonly file?: string;
  readonly url?: string;
  readonly image?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly sha256?: string;
  /** A path, or a URL. */
  readonly signature?: string;
  readonly verify?: readonly string[];
  readonly schema?: string;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface QuotaSpec {
  readonly domain: string;
  readonly bucket: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly period: string;
  readonly burst?: number;
  readonly lease?: string;
  readonly onLoss: { readonly policy: "Allow" | "Deny" | "LocalShare"; readonly fraction: number };
}

/** A Service with all of its ports, or the one that is named. */
export interface PortRef {
  readonly name: string;
  readonly port?: number;
  readonly sectionName?: string;
}

export interface FilterPolicySpec {
  readonly targetRefs: readonly PortRef[];
  readonly direction: "Inbound" | "Outbound";
  readonly order: number;
  readonly module: string;
  readonly rootId?: string;
  readonly failurePolicy: "FailReload" | "FailClosed" | "FailOpen";
  readonly vmConfiguration?: string | JsonObject;
  readonly configuration?: JsonObject;
}

/** Everything the user has written, valid in itself. Maps are by name, in order of name. */
export interface Model {
  readonly services: ReadonlyMap<string, Service>;
  readonly httpRoutes: ReadonlyMap<string, HTTPRoute>;
  readonly grpcRoutes: ReadonlyMap<string, GRPCRoute>;
  readonly wasmModules: ReadonlyMap<string, WasmModule>;
  readonly filterPolicies: ReadonlyMap<string, FilterPolicy>;
  readonly quotas: ReadonlyMap<string, Quota>;
  readonly rollouts: ReadonlyMap<string, Rollout>;
  readonly envoyPatches: ReadonlyMap<string, EnvoyPatch>;
  readonly telemetries: ReadonlyMap<string, Telemetry>;
  /** One at most, of the name `default`. */
  readonly meshes: ReadonlyMap<string, Mesh>;
  readonly certificates: ReadonlyMap<string, Certificate>;
}

/** A model whose Services are as they are served. */
export interface ServedModel extends Model {
  readonly services: ReadonlyMap<string, ServedService>;
}

/** All resources of a model, kind by kind. */
export function resourcesOf(model: Model): Resource[] {
  return Object.values(model).flatMap((resources: ReadonlyMap<string, Resource>) => [...resources.values()]);
}
