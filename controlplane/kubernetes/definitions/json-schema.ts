/** A JSON Schema, as far as the model uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly dependencies?: Readonly<Record<string, readonly string[]>>;
  readonly if?: Schema;
  readonly then?: Schema;
  readonly else?: Schema;
  readonly [keyword: string]: unknown;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
