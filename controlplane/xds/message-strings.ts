/** Nested deeper, nothing names anything. protobuf's own readers end at 100. */
const MAX_DEPTH = 64;

const QUOTED = /"((?:[^"\\]|\\.)*)"/g;

/**
 * All strings in a serialized protobuf message whose type need not be known, those in messages within it included, and
 * those in quotes in JSON text. What could be a string counts as one.
 *
 * @param except the number of a field of the outermost message that is left out.
 */
export function stringsIn(message: Uint8Array, except?: number): ReadonlySet<string> {
  const found = new Set<string>();
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  for (const { field, value } of fieldsOf(buffer)) if (field !== except) collect(value, found, 1);
  return found;
}

function collect(value: Buffer, found: Set<string>, depth: number): void {
  if (value.length === 0) return;
  if (isText(value)) {
    const text = value.toString();
    found.add(text);
    for (const [, quoted] of text.matchAll(QUOTED)) if (quoted !== undefined) found.add(quoted);
  }
  if (depth < MAX_DEPTH) for (const { value: inner } of fieldsOf(value)) collect(inner, found, depth + 1);
}

/** Names have no control characters, and nearly every message has some: tags and lengths. Text may have ends of lines. */
function isText(value: Buffer): boolean {
  for (const byte of value) if (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

interface Field {
  readonly field: number;
  readonly value: Buffer;
}

/** The fields of a message that have a length; none if it is no message. */
function fieldsOf(message: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let result = 0;
    for (let scale = 1; at < message.length && scale < 2 ** 63; scale *= 128) {
      const byte = message[at++] ?? 0;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
    }
    return undefined;
  };
  while (at < message.length) {
    const tag = varint();
    if (tag === undefined || tag < 8) return [];
    const wireType = tag % 8;
    if (wireType === 0) {
      if (varint() === undefined) return [];
    } else if (wireType === 2) {
      const length = varint();
      if (length === undefined || at + length > message.length) return [];
      fields.push({ field: Math.floor(tag / 8), value: message.subarray(at, (at += length)) });
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return [];
  }
  return at === message.length ? fields : [];
}
