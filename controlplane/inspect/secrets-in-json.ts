// Finds what must not be shown in JSON of no known type, such as the configuration of a filter.
import type { JsonValue } from "@bufbuild/protobuf";

/** Stands in place of what is not shown. */
export const REDACTED = "[redacted]";

/** Words in a key under which every text is a secret. Numbers are shown: the size of a token bucket is none. */
const secretKey =
  /(^|[^a-z])(passwords?|passwd|passphrases?|secrets?|credentials?|private ?keys?|hmac ?keys?|signing ?keys?|client ?secrets?|bearer|access ?tokens?|auth ?tokens?|tokens?)$/;

/** Headers whose value lets a client in. */
const secretHeader = /^(authorization|proxy-authorization|cookie|set-cookie|.*(api-?key|token|secret|password).*)$/i;

const privatePem = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

/** Members of a JSON Web Key that only its owner has (RFC 7518, section 6). */
const privateJwk: ReadonlySet<string> = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k"]);

/** A text in which private keys are left out: also those of a JSON Web Key Set that it holds. */
export function redactText(text: string): string {
  if (privatePem.test(text)) return REDACTED;
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    const value = JSON.parse(text) as JsonValue;
    const redacted = redactJson(value);
    return JSON.stringify(redacted) === JSON.stringify(value) ? text : JSON.stringify(redacted);
  } catch {
    return text;
  }
}

/** JSON without its secrets, by what its keys are called and what its values look like. */
export function redactJson(value: JsonValue, isSecret = false): JsonValue {
  if (typeof value === "string") return isSecret ? REDACTED : redactText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, isSecret));
  const names = Object.keys(value);
  const has = (...wanted: string[]): boolean => wanted.every((name) => names.includes(name));
  const hidden = (name: string): boolean =>
    isSecret ||
    secretKey.test(wordsOf(name)) ||
    (has("kty") && privateJwk.has(name)) ||
    // What is kept of a password, or of a key of the API, can be guessed from.
    (has("salt", "hash") && (name === "salt" || name === "hash")) ||
    (has("name", "sha256") && name === "sha256") ||
    (name === "value" && isSecretHeader(value));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactJson(item, hidden(name))]));
}

/** Whether an object is a header with its value, and the value lets in. */
export function isSecretHeader(pair: Readonly<Record<string, JsonValue | undefined>>): boolean {
  const name = pair["key"] ?? pair["name"] ?? pair["header"];
  return typeof name === "string" && secretHeader.test(name);
}

/** `clientSecret`, `client-secret` and `CLIENT_SECRET` are the same words. */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[^A-Za-z0-9]+/g, " ")
    .trim()
    .toLowerCase();
}
