import { Ajv } from "ajv";
import { compileWhenUsed } from "../model/compiled-schema.ts";
import type { JsonObject, SourceFile } from "../model/index.ts";
import { readRequestTable, type PlainRequest } from "../explain/index.ts";
import schema from "./requests.json" with { type: "json" };

export type Decision = "allowed" | "denied" | "undecided";
export type ExternalAnswer = "allow" | "deny" | "unavailable";

/** What must come of a request; what is left out is not looked at. */
export interface Expected {
  readonly decision: Decision;
  /** The empty text: no rule decides. */
  readonly rule?: string;
  readonly reason?: string;
  readonly status?: number;
  /** The empty text: nobody is known. */
  readonly principal?: string;
  /** The shadow and audit rules that match, in any order. */
  readonly observed?: readonly string[];
  /** Headers that the filter sets for the upstream; null for one that the upstream must not get. */
  readonly upstream?: Readonly<Record<string, string | null>>;
}

/** A request as it stands in a file; requests.json describes the fields. */
export interface RequestSpec extends PlainRequest {
  readonly name?: string;
  readonly apiKey?: string;
  readonly token?: { readonly provider: string; readonly claims?: JsonObject };
  readonly user?: string;
  readonly external?: ExternalAnswer;
  readonly expect?: Decision | Expected;
}

/** A file of requests. */
export interface RequestTable {
  readonly configuration?: string;
  readonly policy?: string;
  readonly requests: readonly RequestSpec[];
}

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true, strictTypes: false });
const compiled = compileWhenUsed(ajv, "requests", schema);

/**
 * Reads a file of requests in YAML or JSON, with its defaults filled into each.
 * @throws InputError with a line for each fault.
 */
export function readRequests(file: SourceFile): RequestTable {
  return readRequestTable(file, compiled);
}
