import { Ajv } from "ajv";
import type { Options } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readSchema } from "./assets.ts";
import { compileSchema } from "./compiled-schema.ts";
import type { CompiledSchema } from "./compiled-schema.ts";
import type { Origin } from "./document.ts";
import { parsePath } from "./path.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import type { Json } from "./resources.ts";
import { schemaFaults } from "./schema-faults.ts";
import { withoutWriteOnly } from "./write-only.ts";

/** The JSON Schema of a filter's configuration. Dialects: 2020-12 (the default), 2019-09, draft-07. */
export class ConfigurationSchema {
  readonly #compiled: CompiledSchema;
  readonly #schema: unknown;

  private constructor(compiled: CompiledSchema, schema: unknown) {
    this.#compiled = compiled;
    this.#schema = schema;
  }

  /** Compiles the text of a schema file. */
  static parse(path: string, text: string): { schema?: ConfigurationSchema; problems: readonly Problem[] } {
    const { document, problems } = readSchema(path, text);
    if (document === undefined) return { problems };
    try {
      const value = document.value as Record<string, unknown>;
      const ajv = newAjv(value["$schema"]);
      if (ajv === undefined) {
        const message = `expected JSON Schema 2020-12, 2019-09 or draft-07, found ${JSON.stringify(value["$schema"])}`;
        return { problems: [document.origin.problem(["$schema"], message)] };
      }
      return { schema: new ConfigurationSchema(compileSchema(ajv, "configuration", value), value), problems: [] };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { problems: [document.origin.problem([], `not a usable JSON Schema: ${message}`)] };
    }
  }

  /** A configuration with `hidden` in place of what is `writeOnly`. */
  withoutWriteOnly(configuration: Json, hidden: string): Json {
    return withoutWriteOnly(this.#schema, configuration, hidden);
  }

  /** The faults of a configuration that is written at `base` of a resource. */
  check(configuration: unknown, origin: Origin, base: Path): Problem[] {
    return schemaFaults(this.#compiled, configuration).map(({ path, at, message }) =>
      origin.problem([...base, ...path], message, at),
    );
  }
}

function newAjv(dialect: unknown): Ajv | Ajv2019 | Ajv2020 | undefined {
  // Keywords and formats that Ajv does not know are notes for people and editors.
  const options: Options = { allErrors: true, verbose: true, strict: false, logger: false };
  switch (dialect) {
    case undefined:
    case "https://json-schema.org/draft/2020-12/schema":
      return new Ajv2020(options);
    case "https://json-schema.org/draft/2019-09/schema":
      return new Ajv2019(options);
    case "http://json-schema.org/draft-07/schema":
    case "http://json-schema.org/draft-07/schema#":
      return new Ajv(options);
    default:
      return undefined;
  }
}

/** Where a FilterPolicy holds the filter's configuration. */
export const configurationPath: Path = ["spec", "configuration"];

/**
 * Finds the place in the user's file that a filter complains of. Filters report a bad configuration in a line that
 * begins with the path of the fault, such as `rules[3].limit: expected integer, found string`; where the text does not
 * begin so, the problem is placed at the configuration as a whole.
 */
export function filterProblem(origin: Origin, complaint: string): Problem {
  const { path, length } = parsePath(complaint);
  const rest = complaint.slice(length);
  if (length > 0 && rest.startsWith(":")) return origin.problem([...configurationPath, ...path], rest.slice(1).trim());
  return origin.problem(configurationPath, complaint.trim(), "key");
}
