import type { Json } from "./resources.ts";

/** Where a reference of a schema leads; undefined where that is not known. */
type Resolve = (reference: string) => unknown;

/** Keywords whose schemas are about the same value. Which of them hold is not asked: what may be secret is hidden. */
const lists = ["allOf", "anyOf", "oneOf"] as const;
const single = ["if", "then", "else"] as const;

/**
 * A value without what its JSON Schema says is only written, such as a password (`writeOnly`, JSON Schema Validation, section 9.4).
 *
 * @param hidden stands in its place.
 */
export function withoutWriteOnly(schema: unknown, value: Json, hidden: string): Json {
  const resolve: Resolve = (reference) => resolvePointer(schema, reference);
  return hide(value, [schema], hidden, resolve);
}

function hide(value: Json, schemas: readonly unknown[], hidden: string, resolve: Resolve): Json {
  const all = applicable(schemas, resolve);
  if (all === undefined || all.some((schema) => schema["writeOnly"] === true)) return hidden;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, i) =>
      hide(
        item,
        all.flatMap((schema) => ofItem(schema, i)),
        hidden,
        resolve,
      ),
    );
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const own = all.flatMap((schema) => ofField(schema, name));
      return [name, hide(item, own, hidden, resolve)];
    }),
  );
}

/** The schemas that may be about a value; undefined where one refers to something that is not known, which may say so too. */
function applicable(schemas: readonly unknown[], resolve: Resolve): readonly Record<string, unknown>[] | undefined {
  const found = new Set<Record<string, unknown>>();
  const open = [...schemas];
  while (open.length > 0) {
    const schema = open.pop();
    if (!isObject(schema) || found.has(schema)) continue;
    found.add(schema);
    for (const keyword of ["$ref", "$dynamicRef", "$recursiveRef"]) {
      const reference = schema[keyword];
      if (reference === undefined) continue;
      const target = typeof reference === "string" ? resolve(reference) : undefined;
      if (target === undefined) return undefined;
      open.push(target);
    }
    for (const keyword of lists) if (Array.isArray(schema[keyword])) open.push(...(schema[keyword] as unknown[]));
    for (const keyword of single) open.push(schema[keyword]);
    for (const keyword of ["dependentSchemas", "dependencies"]) open.push(...Object.values(objectOf(schema[keyword])));
  }
  return [...found];
}

function ofField(schema: Readonly<Record<string, unknown>>, name: string): unknown[] {
  const properties = objectOf(schema["properties"]);
  const named = Object.hasOwn(properties, name) ? [properties[name]] : [];
  const matching = Object.entries(objectOf(schema["patternProperties"])).flatMap(([pattern, field]) =>
    new RegExp(pattern, "u").test(name) ? [field] : [],
  );
  const others = named.length + matching.length > 0 ? [] : [schema["additionalProperties"]];
  return [...named, ...matching, ...others, schema["unevaluatedProperties"]];
}

function ofItem(schema: Readonly<Record<string, unknown>>, index: number): unknown[] {
  const { items, prefixItems, additionalItems } = schema;
  const tuple = Array.isArray(prefixItems)
    ? (prefixItems as unknown[])
    : Array.isArray(items)
      ? (items as unknown[])
      : [];
  const rest = Array.isArray(items) ? additionalItems : items;
  return [index < tuple.length ? tuple[index] : rest, schema["contains"], schema["unevaluatedItems"]];
}

/** Within the same schema: by a JSON Pointer, or by the name of an anchor. */
function resolvePointer(schema: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  const fragment = decodeURIComponent(reference.slice(1));
  if (fragment === "") return schema;
  if (!fragment.startsWith("/")) return anchored(schema, fragment);
  return fragment
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (at, part) =>
        typeof at === "object" && at !== null && Object.hasOwn(at, part)
          ? (at as Record<string, unknown>)[part]
          : undefined,
      schema,
    );
}

function anchored(schema: unknown, name: string): unknown {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { $anchor, $dynamicAnchor } = schema as Record<string, unknown>;
  if ($anchor === name || $dynamicAnchor === name) return schema;
  for (const part of Object.values(schema)) {
    const found = anchored(part, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
