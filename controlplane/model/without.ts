/** A value without some of its fields. */
export function without(value: object, ...fields: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)));
}
