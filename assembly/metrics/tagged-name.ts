// Names of metrics with tags: `requests;method=GET;status=200`.

/**
 * The name of one combination.
 * @param values Each value after its size in one byte, in the order of the tags; null for `other` in every tag.
 */
export function taggedName(name: string, tags: string[], values: StaticArray<u8> | null): string {
  let text = name;
  let at = 0;
  for (let i = 0; i < tags.length; ++i) {
    text += `;${tags[i]}=`;
    if (values === null) {
      text += "other";
      continue;
    }
    const end = at + 1 + <i32>values[at];
    for (++at; at < end; ++at) text += encoded(values[at]);
  }
  return text;
}

function encoded(byte: u8): string {
  const isPlain = byte > 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x25 && byte != 0x3b && byte != 0x5c;
  return isPlain ? String.fromCharCode(byte) : `%${hexDigit(byte >> 4)}${hexDigit(byte & 15)}`;
}

function hexDigit(value: u8): string {
  return String.fromCharCode(value < 10 ? 0x30 + value : 0x37 + value);
}
