// Requests as an attacker writes them.

import fc from "fast-check";
import type { Request } from "./filter.ts";

const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => value.map((byte) => (byte === 0 ? 1 : byte)));
const fromWords = (...words: string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(""));

const paths = fromWords(
  "/",
  "//",
  ".",
  "..",
  "%",
  "%2",
  "%2e",
  "%2F",
  "%zz",
  "%00",
  "\\",
  "a",
  "?",
  "#",
  ";",
  "é",
  "\u0001",
);
const cookies = fromWords("uid", "=", ";", " ", "\t", '"', "a", "uid=1", ";;", "%", "é");
const addresses = fromWords(",", " ", "192.0.2.1", ":80", "[", "]", "::1", "unknown", ":", "-", "1e9");

const headers = fc.array(
  fc.oneof(
    fc.tuple(fc.constant("cookie"), fc.oneof(cookies, bytes)),
    fc.tuple(fc.constant("x-forwarded-for"), fc.oneof(addresses, bytes)),
    fc.tuple(fc.constantFrom("x-key", "x-other", "x-variant"), bytes),
  ),
  { maxLength: 8 },
);

/** Any request that reaches a filter, and many that should not. */
export const hostileRequests: fc.Arbitrary<Request> = fc.record({
  path: paths,
  method: fc.constantFrom("GET", "POST", "", "get", "\u0001"),
  headers,
  from: fc.oneof(addresses, fc.constantFrom("/run/socket", "@abstract", "", "[2001:db8::1]:443")),
});
