/** The value types that a Proxy-Wasm signature can hold, and those that a hostile module might show. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref" | "unknown";

/** A function type: the types of its parameters and of its results. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Writes a signature as Envoy does in its messages: `i32 i32 -> i32`, `void -> void`. */
export function formatSignature(signature: Signature): string {
  const side = (types: readonly ValueType[]): string => (types.length === 0 ? "void" : types.join(" "));
  return `${side(signature.params)} -> ${side(signature.results)}`;
}

export function sameSignature(a: Signature, b: Signature): boolean {
  return sameTypes(a.params, b.params) && sameTypes(a.results, b.results);
}

function sameTypes(a: readonly ValueType[], b: readonly ValueType[]): boolean {
  return a.length === b.length && a.every((type, i) => type === b[i]);
}
