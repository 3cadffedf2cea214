import type { StringTest } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { fact, lost, never, type Expression } from "./expression.ts";

/** A text as a regular expression that matches it alone. */
export function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** As {@link quoted}, for any case of ASCII letters. */
export function quotedAnyCase(text: string): string {
  return quoted(text).replace(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

/** A text as a string of CEL. */
export function celString(text: string): string {
  return JSON.stringify(text);
}

/**
 * The path, without its query, passes a test. The filter compares paths in one form, without escapes and parameters, so a
 * text that has some is of no use as it stands: undefined.
 */
export function pathFact(test: StringTest | { readonly template: string }): Expression | undefined {
  if ("regex" in test) return fact({ field: "paths", value: test });
  const text = textOf(test);
  // No path has a query or a fragment in it.
  if (/[?#]/.test(text) && !("template" in test)) return never;
  // eslint-disable-next-line no-control-regex -- no path in one form has them
  if (/[%;\\\u0000-\u001f\u007f]/.test(text)) return undefined;
  if ("contains" in test) return fact({ field: "paths", value: { regex: `.*${quoted(text)}.*` } });
  if ("suffix" in test) return fact({ field: "paths", value: test });
  if (!text.startsWith("/")) return never;
  return fact({ field: "paths", value: "prefix" in test ? { startsWith: text } : test });
}

function textOf(test: Exclude<StringTest, { readonly regex: string }> | { readonly template: string }): string {
  if ("exact" in test) return test.exact;
  if ("prefix" in test) return test.prefix;
  if ("suffix" in test) return test.suffix;
  return "contains" in test ? test.contains : test.template;
}

/** As {@link pathFact}; a text of no use is a loss. */
export function pathCondition(test: StringTest | { readonly template: string }, at: Cursor): Expression {
  const lostText = "the filter compares paths without escapes, parameters and backslashes, and this text has some";
  return pathFact(test) ?? lost(at.finding("loss", lostText, "write the path as servers read it"));
}

/** A CEL expression by which an attribute that is a string passes a test. */
export function celTest(attribute: string, test: StringTest): string {
  if ("exact" in test) return `${attribute} == ${celString(test.exact)}`;
  if ("prefix" in test) return `${attribute}.startsWith(${celString(test.prefix)})`;
  if ("suffix" in test) return `${attribute}.endsWith(${celString(test.suffix)})`;
  if ("contains" in test) return `${attribute}.contains(${celString(test.contains)})`;
  return `${attribute}.matches(${celString(`^(?:${test.regex})$`)})`;
}

/** The method passes a test. */
export function methodFact(test: StringTest): Expression {
  if ("exact" in test && /^[A-Z_-]+$/.test(test.exact)) return fact({ field: "methods", value: test.exact });
  return fact({ field: "when", value: celTest("request.method", test) });
}
