import { Ajv } from "ajv";
import certificateSchema from "./schemas/certificate.json" with { type: "json" };
import envoyPatchSchema from "./schemas/envoy-patch.json" with { type: "json" };
import filterPolicySchema from "./schemas/filter-policy.json" with { type: "json" };
import grpcRouteSchema from "./schemas/grpc-route.json" with { type: "json" };
import httpRouteSchema from "./schemas/http-route.json" with { type: "json" };
import meshSchema from "./schemas/mesh.json" with { type: "json" };
import metadataSchema from "./schemas/metadata.json" with { type: "json" };
import quotaSchema from "./schemas/quota.json" with { type: "json" };
import rolloutSchema from "./schemas/rollout.json" with { type: "json" };
import routeSchema from "./schemas/route.json" with { type: "json" };
import serviceSchema from "./schemas/service.json" with { type: "json" };
import telemetrySchema from "./schemas/telemetry.json" with { type: "json" };
import wasmModuleSchema from "./schemas/wasm-module.json" with { type: "json" };
import type { Kind } from "./resources.ts";
import { compileWhenUsed } from "./compiled-schema.ts";
import type { CompiledSchema } from "./compiled-schema.ts";

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  // That they are JSON Schemas is a test's to check: the check takes longer than most of what follows.
  validateSchema: false,
});
ajv.addVocabulary(["patternErrorMessage"]);
ajv.addSchema(metadataSchema, "metadata.json");
ajv.addSchema(routeSchema, "route.json");
// A Mesh has parts of these.
ajv.addSchema(serviceSchema, "service.json");
ajv.addSchema(httpRouteSchema, "http-route.json");

/** The schemas of the resources. Checking a value with one of them also fills in the defaults. */
export const resourceSchemas: Readonly<Record<Kind, CompiledSchema>> = {
  Service: compileWhenUsed(ajv, "Service", serviceSchema),
  HTTPRoute: compileWhenUsed(ajv, "HTTPRoute", httpRouteSchema),
  GRPCRoute: compileWhenUsed(ajv, "GRPCRoute", grpcRouteSchema),
  WasmModule: compileWhenUsed(ajv, "WasmModule", wasmModuleSchema),
  FilterPolicy: compileWhenUsed(ajv, "FilterPolicy", filterPolicySchema),
  Quota: compileWhenUsed(ajv, "Quota", quotaSchema),
  Rollout: compileWhenUsed(ajv, "Rollout", rolloutSchema),
  EnvoyPatch: compileWhenUsed(ajv, "EnvoyPatch", envoyPatchSchema),
  Telemetry: compileWhenUsed(ajv, "Telemetry", telemetrySchema),
  Mesh: compileWhenUsed(ajv, "Mesh", meshSchema),
  Certificate: compileWhenUsed(ajv, "Certificate", certificateSchema),
};

/** The apiVersion that each kind has. */
export const apiVersions: Readonly<Record<Kind, string>> = {
  Service: serviceSchema.properties.apiVersion.const,
  HTTPRoute: httpRouteSchema.properties.apiVersion.const,
  GRPCRoute: grpcRouteSchema.properties.apiVersion.const,
  WasmModule: wasmModuleSchema.properties.apiVersion.const,
  FilterPolicy: filterPolicySchema.properties.apiVersion.const,
  Quota: quotaSchema.properties.apiVersion.const,
  Rollout: rolloutSchema.properties.apiVersion.const,
  EnvoyPatch: envoyPatchSchema.properties.apiVersion.const,
  Telemetry: telemetrySchema.properties.apiVersion.const,
  Mesh: meshSchema.properties.apiVersion.const,
  Certificate: certificateSchema.properties.apiVersion.const,
};
