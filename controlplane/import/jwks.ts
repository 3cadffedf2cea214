import type { Cursor } from "./cursor.ts";

/** A JWK set (RFC 7517) that is written as JSON text within a field. */
export function inlineJwks(field: Cursor, text: string): object | undefined {
  const set = parsed(text);
  if (typeof set === "object" && set !== null && "keys" in set && Array.isArray(set.keys) && set.keys.length > 0) {
    return set;
  }
  field.report("error", "expected a JWK set as JSON");
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What stands before a token in a header. The filter knows a word and a space; undefined for other texts. */
export function tokenPrefix(prefix: Cursor | undefined): string | undefined {
  const text = prefix?.string() ?? "";
  if (/^([A-Za-z0-9_-]+ )?$/.test(text)) return text;
  prefix?.report(
    "loss",
    "the filter finds tokens behind a word and a space only; those behind this text count as none",
    "let clients send the token in another way",
  );
  return undefined;
}
