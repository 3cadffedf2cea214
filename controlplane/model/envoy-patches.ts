import type { Json, JsonObject } from "./resources.ts";

// The types of an EnvoyPatch: schemas/envoy-patch.json, with defaults filled in.

export interface EnvoyPatchSpec {
  readonly targetRefs?: readonly { readonly name: string }[];
  readonly order: number;
  readonly patches: readonly Patch[];
}

export type Patch =
  | { readonly operation: "AddResource"; readonly value: JsonObject }
  | { readonly operation: "Merge"; readonly target: PatchTarget; readonly value: JsonObject }
  | {
      readonly operation: "JSONPatch";
      readonly target: PatchTarget;
      readonly jsonPatch: readonly JsonPatchOperation[];
    }
  | {
      readonly operation: "InsertFilter";
      readonly target: PatchTarget;
      readonly value: JsonObject;
      readonly position: FilterPosition;
    };

export interface PatchTarget {
  readonly type:
    | "Listener"
    | "HTTPConnectionManager"
    | "HTTPFilter"
    | "RouteConfiguration"
    | "VirtualHost"
    | "Route"
    | "Cluster"
    | "Endpoints";
  readonly direction?: "Inbound" | "Outbound";
  readonly name?: string;
  readonly service?: string;
}

export type FilterPosition =
  { readonly type: "First" | "Last" } | { readonly type: "Before" | "After"; readonly filter: string };

/** An operation of a JSON Patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly path: string; readonly from: string };
