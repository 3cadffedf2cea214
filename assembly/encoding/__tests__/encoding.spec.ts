import { Bytes } from "../../bytes";
import { ProtobufReader, ProtobufWriter, WireType, decodeBase64, decodeBase64Url, decodeHex } from "..";
import { encodeBase64, encodeBase64Url, encodeHex } from "..";

function text(bytes: Bytes | null): string {
  return bytes === null ? "null" : bytes.toString();
}

function hexOf(bytes: Bytes | null): string {
  return bytes === null ? "null" : encodeHex(bytes).toString();
}

function hex(digits: string): Bytes {
  const bytes = decodeHex(Bytes.utf8(digits));
  return bytes === null ? Bytes.at(0, 0) : bytes;
}

const PLAIN: string[] = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];

describe("base64", () => {
  test("RFC 4648, section 10", () => {
    const coded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    for (let i = 0; i < PLAIN.length; ++i) {
      expect(text(encodeBase64(Bytes.utf8(PLAIN[i])))).toBe(coded[i]);
      expect(text(decodeBase64(Bytes.utf8(coded[i])))).toBe(PLAIN[i]);
    }
  });

  test("base64url has no padding and its own digits", () => {
    const coded = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"];
    for (let i = 0; i < PLAIN.length; ++i) {
      expect(text(encodeBase64Url(Bytes.utf8(PLAIN[i])))).toBe(coded[i]);
      expect(text(decodeBase64Url(Bytes.utf8(coded[i])))).toBe(PLAIN[i]);
    }
    expect(text(encodeBase64Url(hex("fbff")))).toBe("-_8");
    expect(text(encodeBase64(hex("fbff")))).toBe("+/8=");
    expect(hexOf(decodeBase64Url(Bytes.utf8("-_8")))).toBe("fbff");
    expect(hexOf(decodeBase64(Bytes.utf8("+/8=")))).toBe("fbff");
  });

  test("every byte goes there and back", () => {
    const all = new Uint8Array(256);
    for (let i = 0; i < 256; ++i) all[i] = <u8>i;
    for (let size = 0; size <= 256; ++size) {
      const bytes = Bytes.of(all).slice(256 - size);
      expect(hexOf(decodeBase64Url(encodeBase64Url(bytes)))).toBe(hexOf(bytes));
      expect(hexOf(decodeBase64(encodeBase64(bytes)))).toBe(hexOf(bytes));
    }
  });

  test("what is not canonical is refused", () => {
    const url = ["Z", "Zm9vY", "Zg==", "Zg=", "Zh", "Zm9", "Zm9v ", " Zm9v", "Zm\n9v", "Zm+v", "Zm/v", "Zm9v.", "é123"];
    for (let i = 0; i < url.length; ++i) expect(text(decodeBase64Url(Bytes.utf8(url[i])))).toBe("null");
    const plain = ["Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm-v", "Zm_v", "Zm9v\n", "Zg= ="];
    for (let i = 0; i < plain.length; ++i) expect(text(decodeBase64(Bytes.utf8(plain[i])))).toBe("null");
  });
});

describe("hex", () => {
  test("RFC 4648, section 10", () => {
    expect(text(encodeHex(Bytes.utf8("foobar")))).toBe("666f6f626172");
    expect(text(decodeHex(Bytes.utf8("666F6f626172")))).toBe("foobar");
    expect(hexOf(hex("00ff7f80"))).toBe("00ff7f80");
  });

  test("anything else is refused", () => {
    const wrong = ["6", "666", "6g", "g6", "0x", " 6", "6:", "6/", "6@", "6`"];
    for (let i = 0; i < wrong.length; ++i) expect(text(decodeHex(Bytes.utf8(wrong[i])))).toBe("null");
  });
});

describe("protocol buffers", () => {
  test("writes what the encoding guide shows", () => {
    expect(hexOf(ProtobufWriter.create().varint(1, 150).message)).toBe("089601");
    expect(hexOf(ProtobufWriter.create().string(2, "testing").message)).toBe("120774657374696e67");
    expect(hexOf(ProtobufWriter.create(0).varint(16, u64.MAX_VALUE).message)).toBe("8001ffffffffffffffffff01");
  });

  test("reads back what it wrote, growing from nothing", () => {
    const writer = ProtobufWriter.create(0);
    for (let i: u32 = 1; i <= 100; ++i)
      writer.varint(i, ((<u64>1) << (i & 63)) - 1).string(i + 1000, "x".repeat(i * 3));
    const reader = ProtobufReader.of(writer.message);
    for (let i: u32 = 1; i <= 100; ++i) {
      expect(reader.next()).toBe(true);
      expect(reader.field).toBe(i);
      expect(reader.number).toBe(((<u64>1) << (i & 63)) - 1);
      expect(reader.next()).toBe(true);
      expect(reader.field).toBe(i + 1000);
      expect(reader.content.toString()).toBe("x".repeat(i * 3));
    }
    expect(reader.next()).toBe(false);
    expect(reader.malformed).toBe(false);
  });

  test("passes over fields of fixed size", () => {
    const reader = ProtobufReader.of(hex("09" + "0100000000000080" + "15" + "ffffffff" + "1801"));
    expect(reader.next()).toBe(true);
    expect(reader.wireType).toBe(WireType.I64);
    expect(reader.number).toBe(0x8000000000000001);
    expect(reader.next()).toBe(true);
    expect(reader.number).toBe(0xffffffff);
    expect(reader.next()).toBe(true);
    expect(reader.field).toBe(3);
    expect(reader.next()).toBe(false);
    expect(reader.malformed).toBe(false);
  });

  test("stops at what is malformed", () => {
    const wrong = [
      "08", // no value
      "0880", // a varint without an end
      "08ffffffffffffffffff02", // 65 bits
      "08ffffffffffffffffffff01", // eleven bytes
      "0001", // field 0
      "0b", // a group
      "0f", // no wire type
      "0a05616263", // longer than the message
      "0affffffff0f61", // a length beyond 31 bits
      "0affffffffffffffffff0161",
      "090102", // a fixed size cut off
      "0d010203",
      "888080808001" + "01", // a field number beyond 29 bits
    ];
    for (let i = 0; i < wrong.length; ++i) {
      const reader = ProtobufReader.of(hex(wrong[i]));
      expect(reader.next()).toBe(false);
      expect(reader.malformed).toBe(true);
      expect(reader.next()).toBe(false);
    }
  });
});
