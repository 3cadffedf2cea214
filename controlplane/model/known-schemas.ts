import type { ConfigurationSchema } from "./configuration.ts";
import type { WasmModule } from "./resources.ts";

const schemas = new WeakMap<WasmModule, ConfigurationSchema>();

/** Notes the schema that a module's configurations were checked by. */
export function noteSchema(module: WasmModule, schema: ConfigurationSchema | undefined): void {
  if (schema === undefined) schemas.delete(module);
  else schemas.set(module, schema);
}

/** The schema of a module's configurations; undefined where it has none. */
export function schemaOf(module: WasmModule): ConfigurationSchema | undefined {
  return schemas.get(module);
}
