import { Bytes } from "../../bytes";
import { decodeHex, decodeUtf8, isUtf8 } from "..";

function hex(digits: string): Bytes {
  const bytes = decodeHex(Bytes.utf8(digits));
  return bytes === null ? Bytes.at(0, 0) : bytes;
}

function decoded(digits: string): string {
  const bytes = hex(digits);
  return decodeUtf8(bytes.pointer, bytes.size);
}

describe("UTF-8", () => {
  test("text goes there and back", () => {
    const texts = [
      "",
      "a",
      "plain ASCII, longer than a word",
      "häß",
      "€",
      "😀",
      "a\0b",
      "￿",
      "\u{10ffff}",
      "x".repeat(300) + "é",
    ];
    for (let i = 0; i < texts.length; ++i) {
      const bytes = Bytes.utf8(texts[i]);
      expect(decodeUtf8(bytes.pointer, bytes.size)).toBe(texts[i]);
      expect(isUtf8(bytes.pointer, bytes.size)).toBe(true);
    }
  });

  test("agrees with the standard library on every code point", () => {
    for (let code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 61) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const text = String.fromCodePoint(code);
      const bytes = Bytes.utf8(text);
      if (decodeUtf8(bytes.pointer, bytes.size) != text) expect(code).toBe(-1, "decodes otherwise");
      if (!isUtf8(bytes.pointer, bytes.size)) expect(code).toBe(-1, "is refused");
    }
  });

  // The tables of Unicode 15, section 3.9: each maximal subpart becomes one U+FFFD.
  test("what is malformed becomes U+FFFD", () => {
    const cases: string[][] = [
      ["c0af e080bf f0818082 41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA"],
      ["eda080 edbfbf edaf41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA"],
      ["f4919293 ff 41 80bf 42", "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB"],
      ["e180 e2 f09192 f1bf 41", "\ufffd\ufffd\ufffd\ufffdA"],
      ["61 f09f98", "a\ufffd"],
      ["c3", "\ufffd"],
      ["fe", "\ufffd"],
    ];
    for (let i = 0; i < cases.length; ++i) {
      const digits = cases[i][0].replaceAll(" ", "");
      expect(decoded(digits)).toBe(cases[i][1]);
      expect(isUtf8(hex(digits).pointer, hex(digits).size)).toBe(false);
    }
  });
});
