import type { ValidateFunction } from "ajv";

/** What of Ajv is needed, in whatever dialect. */
export interface SchemaCompiler {
  addSchema(schema: object, key: string): unknown;
  getSchema(reference: string): ValidateFunction | undefined;
}

/** A schema that is ready to check values, and whose branches can be checked on their own. */
export interface CompiledSchema {
  readonly validate: ValidateFunction;
  /** A branch of the anyOf or oneOf that `parent` holds. */
  branch(parent: object, keyword: string, index: number): ValidateFunction | undefined;
}

/**
 * Compiles a schema.
 *
 * @param key names the schema within `ajv`, which must be set to `allErrors` and `verbose`.
 * @throws Error where the schema is not usable.
 */
export function compileSchema(ajv: SchemaCompiler, key: string, schema: object): CompiledSchema {
  ajv.addSchema(schema, key);
  const validate = ajv.getSchema(key);
  if (validate === undefined) throw new Error("the schema could not be compiled");
  const pointers = new Map<unknown, string>();
  const walk = (value: unknown, pointer: string): void => {
    if (typeof value !== "object" || value === null) return;
    pointers.set(value, pointer);
    for (const [name, part] of Object.entries(value)) {
      walk(part, `${pointer}/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}`);
    }
  };
  walk(schema, `${key}#`);
  return {
    validate,
    branch(parent, keyword, index) {
      // The paths in Ajv's errors begin at the nearest $ref, so the place is found by the schema object itself.
      const pointer = pointers.get(parent);
      return pointer === undefined ? undefined : ajv.getSchema(`${pointer}/${keyword}/${index}`);
    },
  };
}

/** The same when it is first used: compiling takes up to 80 ms, and few commands use every schema. */
export function compileWhenUsed(...what: Parameters<typeof compileSchema>): CompiledSchema {
  let compiled: CompiledSchema | undefined;
  const get = (): CompiledSchema => (compiled ??= compileSchema(...what));
  return {
    get validate() {
      return get().validate;
    },
    branch: (parent, keyword, index) => get().branch(parent, keyword, index),
  };
}
