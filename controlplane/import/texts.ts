import { fact, never, type Expression } from "./expression.ts";
import type { PathTest, StringTest } from "./configuration.ts";

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

/** The path, without its query, passes a test. A test that no path passes is `never`. */
export function pathFact(test: StringTest | { readonly template: string }): Expression {
  const value = pathTest(test);
  return value === undefined ? never : fact({ field: "paths", value });
}

function pathTest(test: StringTest | { readonly template: string }): PathTest | undefined {
  if ("exact" in test) return test.exact.startsWith("/") ? { exact: test.exact } : undefined;
  if ("prefix" in test) return test.prefix.startsWith("/") ? { startsWith: test.prefix } : undefined;
  if ("suffix" in test) return { suffix: test.suffix };
  if ("contains" in test) return { regex: `.*${quoted(test.contains)}.*` };
  return test;
}

/** A CEL expression by which an attribute that is a string passes a test. */
export function celTest(attribute: string, test: StringTest): string {
  if ("exact" in test) return `${attribute} == ${celString(test.exact)}`;
  if ("prefix" in test) return `${attribute}.startsWith(${celString(test.prefix)})`;
  if ("suffix" in test) return `${attribute}.endsWith(${celString(test.suffix)})`;
  if ("contains" in test) return `${attribute}.contains(${celString(test.contains)})`;
  return `${attribute}.matches(${celString(`^(?:${test.regex})$`)})`;
}
