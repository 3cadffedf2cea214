import type { StringTest } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { quotedAnyCase } from "./texts.ts";

/** An `envoy.type.matcher.v3.StringMatcher`; undefined for one that has no equal, which `refuse` is told. */
export function stringTest(matcher: Cursor, refuse: (message: string) => void): StringTest | undefined {
  matcher.only("exact", "prefix", "suffix", "safe_regex", "contains", "custom", "ignore_case");
  const [kind, field] = matcher.oneOf("exact", "prefix", "suffix", "safe_regex", "contains", "custom") ?? [];
  if (field === undefined) {
    matcher.report("error", "expected exact, prefix, suffix, contains or safe_regex");
    return undefined;
  }
  if (kind === "custom") {
    refuse("a custom matcher is code of its own");
    return undefined;
  }
  if (kind === "safe_regex") return { regex: regexOf(field) };
  const text = field.string();
  if (text === "" || !matcher.flag("ignore_case")) return testOf(kind, text);
  const inner = quotedAnyCase(text);
  switch (kind) {
    case "prefix":
      return { regex: `${inner}.*` };
    case "suffix":
      return { regex: `.*${inner}` };
    case "contains":
      return { regex: `.*${inner}.*` };
    default:
      return { regex: inner };
  }
}

/** Envoy knows an empty text for `exact` only; the filter says it by a pattern. */
export const empty = { regex: "()" } as const;

export function testOf(kind: string | undefined, text: string): StringTest {
  if (text === "") return empty;
  switch (kind) {
    case "prefix":
      return { prefix: text };
    case "suffix":
      return { suffix: text };
    case "contains":
      return { contains: text };
    default:
      return { exact: text };
  }
}

/** The text of a `RegexMatcher`, which matches whole values. */
export function regexOf(matcher: Cursor): string {
  matcher.only("google_re2", "regex");
  return matcher.text("regex") ?? "";
}
