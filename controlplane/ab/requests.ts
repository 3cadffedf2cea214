import { Ajv } from "ajv";
import { InputError, readRequestTable } from "../explain/index.ts";
import { compileWhenUsed } from "../model/compiled-schema.ts";
import type { SourceFile } from "../model/index.ts";
import type { AbExplanation, AbRequest } from "./explain.ts";
import schema from "./requests.json" with { type: "json" };

/** A request as it stands in a file; requests.json describes the fields. */
export interface AbRequestSpec extends AbRequest {
  readonly name?: string;
  /** The variant by experiment, null for none; experiments that are left out are not looked at. */
  readonly expect?: Readonly<Record<string, string | null>>;
}

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true, strictTypes: false });
const compiled = compileWhenUsed(ajv, "ab-requests", schema);

/**
 * Reads a file of requests in YAML or JSON, with its defaults filled into each.
 * @throws InputError with a line for each fault.
 */
export function readAbRequests(file: SourceFile): readonly AbRequestSpec[] {
  return readRequestTable(file, compiled).requests;
}

/**
 * Where an explanation is not as expected, a line each.
 * @throws InputError if an experiment is expected that there is not.
 */
export function unexpected({ expect = {} }: AbRequestSpec, { experiments }: AbExplanation): string[] {
  return Object.entries(expect).flatMap(([name, variant]) => {
    const found = experiments.find((experiment) => experiment.name === name);
    if (found === undefined) throw new InputError(`expect: there is no experiment "${name}"`);
    if (found.variant === variant) return [];
    return [`${name}: expected ${variant ?? "no variant"}, found ${found.variant ?? "none"}`];
  });
}
