import { readDocuments } from "../model/document.ts";
import { formatProblem, type Problem, type SourceFile } from "../model/index.ts";
import type { CompiledSchema } from "../model/compiled-schema.ts";
import { schemaFaults } from "../model/schema-faults.ts";
import { InputError } from "./input-error.ts";
import type { PlainRequest } from "./request.ts";

/** What the schema of a file lets pass; callers know more of it. */
export interface PlainTable {
  readonly requests: readonly PlainRequest[];
}

/**
 * Reads a file of requests in YAML or JSON, with its `defaults` filled into each of `requests`; headers of both are put together.
 * @throws InputError with a line for each fault.
 */
export function readRequestTable(file: SourceFile, schema: CompiledSchema): PlainTable {
  const { documents, problems } = readDocuments(file);
  const [document, second] = documents;
  const found: Problem[] = [...problems];
  if (document !== undefined) {
    for (const { path, at, message } of schemaFaults(schema, document.value)) {
      found.push(document.origin.problem(path, message, at));
    }
    if (second !== undefined) found.push(second.origin.problem([], "expected one document in the file"));
  } else if (found.length === 0) throw new InputError(`${file.path}: the file is empty`);
  if (found.length > 0 || document === undefined) throw new InputError(found.map(formatProblem).join("\n"));
  // The schema has checked it.
  const { defaults = {}, requests, ...rest } = document.value as PlainTable & { readonly defaults?: PlainRequest };
  return { ...rest, requests: requests.map((request) => withDefaults(defaults, request)) };
}

function withDefaults(defaults: PlainRequest, request: PlainRequest): PlainRequest {
  const headers = { ...defaults.headers, ...request.headers };
  return { ...defaults, ...request, ...(Object.keys(headers).length > 0 && { headers }) };
}
