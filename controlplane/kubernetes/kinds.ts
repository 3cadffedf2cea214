// The kinds of resources of the cluster that the control plane reads.

/** Where the API has a kind. */
export interface KindInCluster {
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular?: string;
}

const meshwright = "meshwright.dev/v1alpha1";

/** The kinds of Meshwright. Rollouts are called filterrollouts, since others have rollouts too; and so with others. */
export const ownKinds = {
  MeshService: { apiVersion: meshwright, plural: "meshservices", singular: "meshservice" },
  WasmModule: { apiVersion: meshwright, plural: "wasmmodules", singular: "wasmmodule" },
  FilterPolicy: { apiVersion: meshwright, plural: "filterpolicies", singular: "filterpolicy" },
  Quota: { apiVersion: meshwright, plural: "filterquotas", singular: "filterquota" },
  Rollout: { apiVersion: meshwright, plural: "filterrollouts", singular: "filterrollout" },
  EnvoyPatch: { apiVersion: meshwright, plural: "envoypatches", singular: "envoypatch" },
  Mesh: { apiVersion: meshwright, plural: "meshes", singular: "mesh" },
  Telemetry: { apiVersion: meshwright, plural: "meshtelemetries", singular: "meshtelemetry" },
  Certificate: { apiVersion: meshwright, plural: "meshcertificates", singular: "meshcertificate" },
} as const satisfies Readonly<Record<string, KindInCluster>>;
export type OwnKind = keyof typeof ownKinds;

/** The kinds of the Gateway API. Without them in the cluster there are no routes. */
export const routeKinds = {
  HTTPRoute: { apiVersion: "gateway.networking.k8s.io/v1", plural: "httproutes" },
  GRPCRoute: { apiVersion: "gateway.networking.k8s.io/v1", plural: "grpcroutes" },
} as const satisfies Readonly<Record<string, KindInCluster>>;
export type RouteKind = keyof typeof routeKinds;

/** By which a namespace lets routes of others name its Services. */
export const grantKind: KindInCluster = { apiVersion: "gateway.networking.k8s.io/v1beta1", plural: "referencegrants" };

/** What the cluster itself has. */
export const coreKinds = {
  Service: { apiVersion: "v1", plural: "services" },
  Pod: { apiVersion: "v1", plural: "pods" },
  Node: { apiVersion: "v1", plural: "nodes" },
  EndpointSlice: { apiVersion: "discovery.k8s.io/v1", plural: "endpointslices" },
} as const satisfies Readonly<Record<string, KindInCluster>>;
export type CoreKind = keyof typeof coreKinds;
