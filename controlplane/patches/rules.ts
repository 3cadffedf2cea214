import { toJson } from "@bufbuild/protobuf";
import type { Message } from "@bufbuild/protobuf";
import { durationMs, DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { KnownRegex } from "#gen/validate/validate_pb.js";
import type { DurationRules, RepeatedRules, StringRules } from "#gen/validate/validate_pb.js";

// What values break of the rules of protoc-gen-validate, in words; undefined where all is well. The rules are messages of
// proto2: a rule that is not written is not a property of its own.

type Bound = number | bigint;

/** Bounds on numbers of any type. */
export interface NumberRules {
  readonly const?: Bound;
  readonly lt?: Bound;
  readonly lte?: Bound;
  readonly gt?: Bound;
  readonly gte?: Bound;
  readonly in?: readonly Bound[];
  readonly notIn?: readonly Bound[];
}

export function numberFault(value: Bound, rules: NumberRules): string | undefined {
  const isOut = (["lt", "lte", "gt", "gte", "const"] as const).some((rule) => {
    const bound = Object.hasOwn(rules, rule) ? rules[rule] : undefined;
    return bound !== undefined && !holds[rule](value, bound);
  });
  const isListed = rules.in === undefined || rules.in.length === 0 || rules.in.includes(value);
  if (!isOut && isListed && rules.notIn?.includes(value) !== true) return undefined;
  return `expected ${boundsText({ ...rules }, String)}, found ${value}`;
}

const holds: Readonly<Record<"lt" | "lte" | "gt" | "gte" | "const", (value: Bound, bound: Bound) => boolean>> = {
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  const: (value, bound) => value === bound,
};

function boundsText(rules: Readonly<Record<string, unknown>>, write: (bound: unknown) => string): string {
  const words = { const: "", gt: "more than ", gte: "at least ", lt: "less than ", lte: "at most " };
  const parts = Object.entries(words).flatMap(([rule, word]) =>
    Object.hasOwn(rules, rule) && rules[rule] !== undefined ? [`${word}${write(rules[rule])}`] : [],
  );
  const listed = rules["in"];
  if (Array.isArray(listed) && listed.length > 0) parts.push(`one of ${listed.map(String).join(", ")}`);
  return parts.length === 0 ? "another value" : parts.join(" and ");
}

export function durationFault(message: Message, rules: DurationRules): string | undefined {
  const value = durationMs(message as Duration);
  const isOut = (["lt", "lte", "gt", "gte", "const"] as const).some((rule) => {
    const bound = rules[rule];
    return bound !== undefined && !holds[rule](value, durationMs(bound));
  });
  if (!isOut) return undefined;
  const write = (bound: unknown): string => toJson(DurationSchema, bound as Duration);
  return `expected ${boundsText({ ...rules }, write)}, found ${write(message)}`;
}

export function textFault(text: string, rules: StringRules): string | undefined {
  if (text === "" && rules.ignoreEmpty) return undefined;
  const length = Array.from(text).length;
  const bytes = Buffer.byteLength(text);
  const least = rules.minLen > rules.minBytes ? rules.minLen : rules.minBytes;
  if (length < rules.minLen || bytes < rules.minBytes)
    return text === ""
      ? "required field is missing, or empty"
      : `expected at least ${least} characters, found ${length}`;
  if (Object.hasOwn(rules, "maxLen") && length > rules.maxLen)
    return `expected at most ${rules.maxLen} characters, found ${length}`;
  if (Object.hasOwn(rules, "maxBytes") && bytes > rules.maxBytes)
    return `expected at most ${rules.maxBytes} bytes, found ${bytes}`;
  if (!text.startsWith(rules.prefix))
    return `expected text that begins with ${rules.prefix}, found ${JSON.stringify(text)}`;
  if (!text.endsWith(rules.suffix))
    return `expected text that ends with ${rules.suffix}, found ${JSON.stringify(text)}`;
  if (rules.in.length > 0 && !rules.in.includes(text))
    return `expected one of ${rules.in.join(", ")}, found ${JSON.stringify(text)}`;
  if (rules.notIn.includes(text)) return `${JSON.stringify(text)} is not allowed here`;
  if (rules.pattern !== "" && !matches(rules.pattern, text))
    return `expected text that matches ${rules.pattern}, found ${JSON.stringify(text)}`;
  return wellKnownFault(text, rules);
}

function wellKnownFault(text: string, { wellKnown, strict }: StringRules): string | undefined {
  if (wellKnown.case === "uri" && wellKnown.value && !URL.canParse(text))
    return `expected a URI, found ${JSON.stringify(text)}`;
  if (wellKnown.case !== "wellKnownRegex") return undefined;
  const isName = wellKnown.value === KnownRegex.HTTP_HEADER_NAME;
  const form = isName ? headerName : headerValue;
  if ((strict ? form : lineOfText).test(text)) return undefined;
  return `expected ${isName ? "the name of a header" : "the value of a header"}, found ${JSON.stringify(text)}`;
}

const headerName = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
// eslint-disable-next-line no-control-regex -- These are what a header may not hold.
const headerValue = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
// eslint-disable-next-line no-control-regex -- As above.
const lineOfText = /^[^\u0000\n\r]*$/;

/** A pattern of RE2 that cannot be tried here says nothing. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

export function listFault(list: readonly unknown[], rules: RepeatedRules): string | undefined {
  const { length } = list;
  if (length < rules.minItems) return `expected at least ${rules.minItems} items, found ${length}`;
  if (Object.hasOwn(rules, "maxItems") && length > rules.maxItems)
    return `expected at most ${rules.maxItems} items, found ${length}`;
  return rules.unique && new Set(list).size < length ? "expected items that differ" : undefined;
}
