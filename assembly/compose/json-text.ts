import { JsonKind, JsonValue } from "../json/value";

/** The JSON text of a value, without blanks. Numbers stay as they were written. */
export function jsonText(value: JsonValue): string {
  switch (value.kind) {
    case JsonKind.Null:
      return "null";
    case JsonKind.Bool:
      return value.bool ? "true" : "false";
    case JsonKind.Number:
      return value.text;
    case JsonKind.String:
      return quoted(value.text);
    case JsonKind.Array: {
      const items: string[] = [];
      for (let i = 0; i < value.items.length; ++i) items.push(jsonText(value.items[i]));
      return `[${items.join(",")}]`;
    }
    default: {
      const members: string[] = [];
      for (let i = 0; i < value.keys.length; ++i) {
        members.push(`${quoted(value.keys[i])}:${jsonText(value.items[i])}`);
      }
      return `{${members.join(",")}}`;
    }
  }
}

function quoted(text: string): string {
  let result = '"';
  let from = 0;
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code != 0x22 && code != 0x5c) continue;
    result += text.substring(from, i) + "\\u" + code.toString(16).padStart(4, "0");
    from = i + 1;
  }
  return result + text.substring(from) + '"';
}
