import certificateSchema from "../../model/schemas/certificate.json" with { type: "json" };
import envoyPatchSchema from "../../model/schemas/envoy-patch.json" with { type: "json" };
import httpRouteSchema from "../../model/schemas/http-route.json" with { type: "json" };
import meshSchema from "../../model/schemas/mesh.json" with { type: "json" };
import filterPolicySchema from "../../model/schemas/filter-policy.json" with { type: "json" };
import metadataSchema from "../../model/schemas/metadata.json" with { type: "json" };
import quotaSchema from "../../model/schemas/quota.json" with { type: "json" };
import rolloutSchema from "../../model/schemas/rollout.json" with { type: "json" };
import serviceSchema from "../../model/schemas/service.json" with { type: "json" };
import telemetrySchema from "../../model/schemas/telemetry.json" with { type: "json" };
import wasmModuleSchema from "../../model/schemas/wasm-module.json" with { type: "json" };
import { ownKinds, type OwnKind } from "../kinds.ts";
import type { Schema } from "./json-schema.ts";
import { moduleStatus, rolloutStatus, statusSchema } from "./status-schema.ts";
import { structural, type FindSchema } from "./structural.ts";

interface Definition {
  readonly schema: Schema;
  readonly shortNames: readonly string[];
  readonly columns: readonly Column[];
  readonly status?: Readonly<Record<string, Schema>>;
}

interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly priority?: number;
}

const accepted = conditionColumn("Accepted");
const programmed = conditionColumn("Programmed");

const definitions: Readonly<Record<OwnKind, Definition>> = {
  MeshService: {
    schema: meshServiceSchema(),
    shortNames: ["msvc"],
    columns: [column("Port", "integer", ".spec.port"), column("mTLS", "string", ".spec.mtls"), accepted, programmed],
  },
  WasmModule: {
    schema: wasmModuleSchema,
    shortNames: ["wasm"],
    columns: [
      column("Image", "string", ".spec.image"),
      column("File", "string", ".spec.file"),
      column("SHA256", "string", ".status.sha256", 1),
      ...[accepted, programmed],
    ],
    status: moduleStatus,
  },
  FilterPolicy: {
    schema: filterPolicySchema,
    shortNames: ["fpol"],
    columns: [
      column("Module", "string", ".spec.module"),
      column("Direction", "string", ".spec.direction"),
      column("Order", "integer", ".spec.order", 1),
      ...[accepted, programmed],
    ],
  },
  Quota: {
    schema: quotaSchema,
    shortNames: ["fquota"],
    columns: [
      column("Domain", "string", ".spec.domain"),
      column("Requests", "integer", ".spec.requests"),
      column("Period", "string", ".spec.period"),
      ...[accepted, programmed],
    ],
  },
  Rollout: {
    schema: rolloutSchema,
    shortNames: ["fro"],
    columns: [
      column("Phase", "string", ".status.phase"),
      column("Wave", "string", ".status.wave"),
      column("Health", "string", ".status.health"),
      accepted,
    ],
    status: rolloutStatus,
  },
  EnvoyPatch: {
    schema: envoyPatchSchema,
    shortNames: ["epatch"],
    columns: [column("Order", "integer", ".spec.order"), accepted, programmed],
  },
  Mesh: {
    schema: meshSchema,
    shortNames: ["meshcfg"],
    columns: [column("mTLS", "string", ".spec.services.mtls"), accepted, programmed],
  },
  Telemetry: { schema: telemetrySchema, shortNames: ["mtel"], columns: [accepted, programmed] },
  Certificate: {
    schema: certificateInSecrets(),
    shortNames: ["mcert"],
    columns: [
      column("Certificate", "string", ".spec.certFile"),
      column("Authorities", "string", ".spec.caFile"),
      ...[accepted, programmed],
    ],
  },
};

/** The CustomResourceDefinition of each kind of Meshwright, by the name that it has. */
export function customResourceDefinitions(): ReadonlyMap<string, Schema> {
  const all = Object.entries(ownKinds).map(([kind, { plural, singular }]) => {
    const { schema, shortNames, columns, status } = definitions[kind as OwnKind];
    const name = `${plural}.meshwright.dev`;
    const { spec = {} } = schema.properties ?? {};
    const version = {
      name: "v1alpha1",
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: {
          description: schema.description,
          type: "object",
          required: ["spec"],
          properties: {
            apiVersion: { type: "string" },
            kind: { type: "string" },
            metadata: { type: "object" },
            spec: structural(spec, schema, find),
            status: statusSchema(status),
          },
        },
      },
      subresources: { status: {} },
      additionalPrinterColumns: [...columns, column("Age", "date", ".metadata.creationTimestamp")],
    };
    const definition: Schema = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name, labels: { "app.kubernetes.io/part-of": "meshwright" } },
      spec: {
        group: "meshwright.dev",
        scope: "Namespaced",
        names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ["meshwright"] },
        // One version until now; others are to be converted by the control plane.
        conversion: { strategy: "None" },
        versions: [version],
      },
    };
    return [name, definition] as const;
  });
  return new Map(all);
}

/** As a Service in a file, but for what the cluster itself knows. */
function meshServiceSchema(): Schema {
  const schema = serviceSchema as Schema;
  const { spec = {} } = schema.properties ?? {};
  const known = new Set(["endpoints", "portName", "hostnames", "otherPorts", "portOf", "local"]);
  const settings = Object.entries(spec.properties ?? {}).filter(([name]) => !known.has(name));
  const { port, ...others } = Object.fromEntries(settings);
  const description = "The port of the core Service that the mesh serves. Default: its first port for HTTP.";
  return {
    ...schema,
    description: "What the mesh does for the core Service of the same name and namespace.",
    properties: { spec: { type: "object", properties: { port: { ...port, description }, ...others } } },
  };
}

/** As a Certificate in a file, but for where its parts are. */
function certificateInSecrets(): Schema {
  const schema = certificateSchema as Schema;
  const { spec = {} } = schema.properties ?? {};
  const inSecret = (what: string): Schema => ({
    description: `${what}, in PEM: \`SECRET/KEY\`, a key of a Secret of the same namespace, of type kubernetes.io/tls or Opaque.`,
    type: "string",
    pattern: "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/[-._a-zA-Z0-9]{1,253}$",
  });
  const properties = {
    certFile: inSecret("The certificate, followed by those between it and its authority"),
    keyFile: inSecret("The private key, without a passphrase"),
    caFile: inSecret("The certificates of authorities"),
  };
  return {
    ...schema,
    description:
      "A certificate with its private key, authorities whose certificates are believed, or both, in Secrets.",
    properties: { spec: { ...spec, properties } },
  };
}

const files: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ["metadata.json", metadataSchema],
  ["service.json", serviceSchema],
  ["http-route.json", httpRouteSchema],
]);

const find: FindSchema = (reference, file) => {
  const [name = "", pointer = ""] = reference.split("#");
  const inFile = name === "" ? file : files.get(name);
  if (inFile === undefined) throw new Error(`a reference to ${name}`);
  const schema = pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((part, key) => (part as Readonly<Record<string, unknown>>)[key], inFile);
  return { schema: schema as Schema, file: inFile };
};

function column(name: string, type: Column["type"], jsonPath: string, priority?: number): Column {
  return { name, type, jsonPath, ...(priority === undefined ? {} : { priority }) };
}

function conditionColumn(type: string): Column {
  return column(type, "string", `.status.conditions[?(@.type=="${type}")].status`);
}
