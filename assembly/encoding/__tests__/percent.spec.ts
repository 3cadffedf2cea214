import { Bytes } from "../../bytes";
import { decodesTo, escapeAt, percentDecode, percentEncode } from "../percent";
import { ByteWriter, decimal } from "..";

function decoded(text: string, plusIsSpace: bool = false): string {
  return percentDecode(Bytes.utf8(text), plusIsSpace).toString();
}

describe("percent-encoding", () => {
  test("decodes", () => {
    // The first is the example of the URL Standard, section 1.3.
    const texts = ["%25%s%1G", "", "abc", "%41%42c", "%c3%A9", "%", "%4", "%%41", "a+b", "%2B", "%2541"];
    const plain = ["%%s%1G", "", "abc", "ABc", "é", "%", "%4", "%A", "a+b", "+", "%41"];
    for (let i = 0; i < texts.length; ++i) expect(decoded(texts[i])).toBe(plain[i], texts[i]);
    expect(decoded("a+b%2B+", true)).toBe("a b+ ");
  });

  test("gives the same object where there is nothing to decode", () => {
    const text = Bytes.utf8("a+b");
    expect(percentDecode(text) === text).toBe(true);
    expect(percentDecode(text, true) === text).toBe(false);
  });

  test("encodes all but what is unreserved, and what is to be kept", () => {
    expect(percentEncode(Bytes.utf8("aZ09-._~")).toString()).toBe("aZ09-._~");
    expect(percentEncode(Bytes.utf8(" /?#%é+&=\0")).toString()).toBe("%20%2F%3F%23%25%C3%A9%2B%26%3D%00");
    expect(percentEncode(Bytes.utf8("/a b/ü"), "/").toString()).toBe("/a%20b/%C3%BC");
    expect(percentEncode(Bytes.at(0, 0)).size).toBe(0);
  });

  test("every byte comes back", () => {
    const all = new Uint8Array(256);
    for (let i = 0; i < 256; ++i) all[i] = <u8>i;
    const encoded = percentEncode(Bytes.of(all));
    expect(percentDecode(encoded).equals(Bytes.of(all))).toBe(true);
    expect(decodesTo(encoded, Bytes.of(all), true)).toBe(true);
  });

  test("compares without decoding first", () => {
    expect(decodesTo(Bytes.utf8("%61+b"), Bytes.utf8("a b"), true)).toBe(true);
    expect(decodesTo(Bytes.utf8("%61+b"), Bytes.utf8("a+b"), false)).toBe(true);
    expect(decodesTo(Bytes.utf8("ab"), Bytes.utf8("a"), true)).toBe(false);
    expect(decodesTo(Bytes.utf8("a"), Bytes.utf8("ab"), true)).toBe(false);
    expect(decodesTo(Bytes.utf8("%6"), Bytes.utf8("%6"), true)).toBe(true);
  });

  test("finds whole escapes only", () => {
    const text = Bytes.utf8("%41%4");
    const codes: i32[] = [-1, 0x41, -1, -1, -1, -1];
    for (let at = -1; at < 5; ++at) expect(escapeAt(text, at)).toBe(codes[at + 1], `at ${at}`);
  });
});

describe("ByteWriter", () => {
  test("grows, and keeps its memory", () => {
    const writer = new ByteWriter(1);
    for (let i = 0; i < 100; ++i) writer.text("é").byte(0x2c).write(Bytes.utf8("xyz"));
    expect(writer.bytes.toString()).toBe("é,xyz".repeat(100));
    expect(writer.size).toBe(600);
    expect(writer.last).toBe(0x7a);
    const before = writer.bytes.pointer;
    expect(writer.clear().size).toBe(0);
    expect(writer.last).toBe(0);
    expect(writer.text("a").bytes.pointer).toBe(before);
  });

  test("writes numbers", () => {
    const numbers: i64[] = [0, 7, -7, i64.MAX_VALUE, i64.MIN_VALUE];
    const writer = new ByteWriter();
    for (let i = 0; i < numbers.length; ++i) {
      expect(writer.clear().integer(numbers[i]).bytes.toString()).toBe(numbers[i].toString());
    }
    expect(decimal(u64.MAX_VALUE).toString()).toBe("18446744073709551615");
  });
});
