import { isSchema, type Schema } from "./json-schema.ts";

/** A rule of `x-kubernetes-validations` on an object. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** The field that it is about. */
  readonly field?: string;
}

/** The fields of the object, as the structural schema has them. */
type Fields = ReadonlyMap<string, Schema>;

/**
 * The conditions of a schema (`if`, `then`, `else` and `dependencies`) as rules in CEL, as far as CEL sees the fields that they are about.
 *
 * @throws Error for a condition of a form that the model did not have until now.
 */
export function celRules(schema: Schema, fields: Fields): CelRule[] {
  const together = Object.entries(schema.dependencies ?? {}).flatMap(([field, needed]) =>
    needed.map((other) => ({ rule: `!${has(field)} || ${has(other)}`, message: `${other} is required with ${field}` })),
  );
  const conditions = [schema, ...(schema.allOf ?? [])].flatMap((part) => {
    if (part.if === undefined) return [];
    const { test, words } = conditionOf(part.if);
    return [
      ...consequences(part.then, test, words, fields),
      ...consequences(part.else, `!(${test})`, `without ${words}`, fields),
    ];
  });
  return [...together, ...conditions];
}

/** `has(self.x)`, or that a field has one of some values. */
function conditionOf({ properties, required = [] }: Schema): { readonly test: string; readonly words: string } {
  const [field, ...others] = required;
  if (field === undefined || others.length > 0) throw new Error("a condition on other than one field");
  const values = valuesOf(properties?.[field] ?? {});
  if (values === undefined) return { test: has(field), words: field };
  return { test: `${has(field)} && ${isOneOf(`self.${field}`, values)}`, words: `${field} ${values.join(" or ")}` };
}

function consequences(schema: Schema | undefined, test: string, words: string, fields: Fields): CelRule[] {
  const rules: CelRule[] = [];
  const add = (field: string, wanted: string, message: string): void => {
    if (isSeen(fields.get(field))) rules.push({ rule: `!(${test}) || ${wanted}`, message });
  };
  for (const field of schema?.required ?? []) add(field, has(field), `${field} is required ${withWords(words)}`);
  for (const [field, demand] of Object.entries(schema?.properties ?? {})) {
    const { not, pattern, patternErrorMessage, properties } = demand;
    if (isSchema(not)) {
      const reason = demand.description ?? `not ${withWords(words)}`;
      add(field, `!${has(field)}`, `${field}: ${lowered(reason)}`);
    } else if (typeof pattern === "string") {
      const wanted = `!${has(field)} || self.${field}.matches(${celString(pattern)})`;
      add(field, `(${wanted})`, `${field}: expected ${text(patternErrorMessage)}`);
    } else if (properties !== undefined) {
      for (const [inner, { const: value }] of Object.entries(properties)) {
        if (typeof value !== "string") throw new Error(`a consequence for ${field}.${inner} that is no value`);
        const wanted = `(!${has(field)} || self.${field}.${inner} == ${celString(value)})`;
        add(field, wanted, `${field}.${inner}: expected ${value} ${withWords(words)}`);
      }
    } else {
      throw new Error(`a consequence for ${field} that is not known`);
    }
  }
  return rules;
}

/** CEL does not see what may be of any type. */
function isSeen(field: Schema | undefined): boolean {
  return field?.type !== undefined;
}

function valuesOf({ const: value, enum: values }: Schema): readonly string[] | undefined {
  const all = value === undefined ? values : [value];
  return all?.map(text);
}

function isOneOf(what: string, values: readonly string[]): string {
  if (values.length === 1) return `${what} == ${celString(values[0] ?? "")}`;
  return `${what} in [${values.map(celString).join(", ")}]`;
}

function withWords(words: string): string {
  return words.startsWith("without ") ? words : `with ${words}`;
}

function has(field: string): string {
  return `has(self.${field})`;
}

function celString(value: string): string {
  return JSON.stringify(value);
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error("expected a text");
  return value;
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}
