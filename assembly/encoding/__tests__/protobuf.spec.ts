import { Bytes } from "../../bytes";
import { ProtobufMapEntry, ProtobufReader, ProtobufScalars, ProtobufWriter, WireType, decodeHex, encodeHex } from "..";

function hex(digits: string): Bytes {
  return decodeHex(Bytes.utf8(digits))!;
}

function hexOf(writer: ProtobufWriter): string {
  return encodeHex(writer.message).toString();
}

/** The fields that are found, or `malformed`. */
function fields(digits: string): string {
  const reader = ProtobufReader.of(hex(digits));
  const found: string[] = [];
  while (reader.next()) found.push(`${reader.field}:${reader.number}:${encodeHex(reader.content).toString()}`);
  return reader.malformed ? "malformed" : found.join(" ");
}

describe("ProtobufWriter", () => {
  test("writes every scalar type", () => {
    const writer = ProtobufWriter.create(0);
    writer.bool(1, true).sint(2, -1).sint(3, i64.MIN_VALUE).fixed32(4, 0x01020304).fixed64(5, 1);
    writer
      .float(6, 1.5)
      .double(7, -2)
      .varint(8, <u64>(-1 as i64));
    expect(hexOf(writer)).toBe(
      "0801" +
        "1001" +
        "18ffffffffffffffffff01" +
        "2504030201" +
        "290100000000000000" +
        "350000c03f" +
        "3900000000000000c0" +
        "40ffffffffffffffffff01",
    );
  });

  test("writes messages in messages of any size in place", () => {
    const sizes: i32[] = [0, 1, 125, 126, 127, 128, 16_380, 16_384, 3_000_000];
    for (let i = 0; i < sizes.length; ++i) {
      const content = Bytes.allocate(sizes[i]);
      memory.fill(content.pointer, 0x5a, content.size);
      const writer = ProtobufWriter.create(0);
      const outer = writer.varint(1, 7).beginMessage(2);
      const inner = writer.beginMessage(3);
      writer.bytes(4, content).endMessage(inner).endMessage(outer).varint(5, 8);

      const plain = ProtobufWriter.create().bytes(4, content).message;
      const middle = ProtobufWriter.create().bytes(3, plain).message;
      const expected = ProtobufWriter.create().varint(1, 7).bytes(2, middle).varint(5, 8).message;
      expect(writer.message.equals(expected)).toBe(true, `${sizes[i]} bytes`);
    }
  });

  test("keeps a packed field that fills its memory to the last byte", () => {
    for (let capacity = 0; capacity < 64; ++capacity) {
      const writer = ProtobufWriter.create(capacity);
      // What a larger memory holds before it is written must not show.
      memory.fill(Bytes.allocate(256).pointer, 0xee, 256);
      for (let i = 0; i < 6; ++i) {
        const mark = writer.varint(1, i).beginPacked(2);
        writer.packedFixed64(0x0102_0304_0506_0708).endMessage(mark);
      }
      const reader = ProtobufReader.of(writer.message);
      for (let i = 0; i < 6; ++i) {
        expect(reader.next() && reader.number == <u64>i).toBe(true, `number ${i} from ${capacity} bytes on`);
        expect(reader.next() && load<u64>(reader.content.pointer) == 0x0102_0304_0506_0708).toBe(
          true,
          `field ${i} from ${capacity}`,
        );
      }
    }
  });

  test("writes packed fields and maps", () => {
    // The examples of the encoding guide, "Packed Repeated Fields".
    const writer = ProtobufWriter.create();
    const mark = writer.beginPacked(6);
    expect(hexOf(writer.packedVarint(3).packedVarint(270).packedVarint(86_942).endMessage(mark))).toBe(
      "3206038e029ea705",
    );
    expect(hexOf(ProtobufWriter.create().mapEntry(7, Bytes.utf8("k"), Bytes.utf8("v")))).toBe("3a060a016b120176");
  });
});

describe("ProtobufReader", () => {
  test("reads signed numbers and floats", () => {
    const reader = ProtobufReader.of(
      hex("0801" + "10feffffffffffffffff01" + "1d0000c03f" + "2100000000000000c0" + "28ffffffffffffffffff01"),
    );
    reader.next();
    expect(reader.sint).toBe(-1);
    reader.next();
    expect(reader.sint).toBe(i64.MAX_VALUE);
    reader.next();
    expect(reader.float).toBe(1.5);
    reader.next();
    expect(reader.double).toBe(-2);
    reader.next();
    expect(<i32>reader.number).toBe(-1);
    expect(reader.next()).toBe(false);
  });

  test("passes over groups", () => {
    expect(fields("0801" + "13" + "0805" + "1b" + "0a0161" + "1c" + "14" + "1802")).toBe("1:1: 3:2:");
    expect(fields("0b0c")).toBe("");
    expect(fields(deep(100))).toBe("");
    expect(fields(deep(101))).toBe("malformed");
    expect(fields("0b".repeat(100_000))).toBe("malformed");
  });

  test("stops at groups that are none", () => {
    const wrong = ["0b", "0c", "0b14", "0b130c14", "0b0a05610c", "0b080c", "0b0c0c", "0b0f", "0b000c"];
    for (let i = 0; i < wrong.length; ++i) expect(fields(wrong[i])).toBe("malformed", wrong[i]);
  });

  test("takes field numbers of up to 29 bits", () => {
    expect(fields("f8ffffff0f01")).toBe("536870911:1:");
    expect(fields("808080801001")).toBe("malformed");
    expect(fields("f8ffffff1f01")).toBe("malformed");
    expect(fields("80808080808080808001" + "01")).toBe("malformed");
  });

  test("reads numbers packed and not", () => {
    expect(scalars("038e029ea705", WireType.Varint)).toBe("3 270 86942");
    expect(scalars("0100000002000000", WireType.I32)).toBe("1 2");
    expect(scalars("01000000000000000200000000000080", WireType.I64)).toBe("1 9223372036854775810");
    expect(scalars("", WireType.Varint)).toBe("");
    const wrong = ["80", "0380", "ffffffffffffffffff02"];
    for (let i = 0; i < wrong.length; ++i) expect(scalars(wrong[i], WireType.Varint)).toBe("malformed", wrong[i]);
    expect(scalars("010203", WireType.I32)).toBe("malformed");
    expect(scalars("01020304050607", WireType.I64)).toBe("malformed");
    expect(scalars("00", WireType.Len)).toBe("malformed");
  });

  test("reads a number that is not packed as the only one", () => {
    const reader = ProtobufReader.of(hex("0805" + "0d02000000" + "0a020304"));
    const types: WireType[] = [WireType.Varint, WireType.I32, WireType.Varint];
    const found: string[] = [];
    for (let i = 0; reader.next(); ++i) {
      const values = ProtobufScalars.of(reader, types[i]);
      while (values.next()) found.push(values.number.toString());
      expect(values.malformed).toBe(false);
    }
    expect(found.join(" ")).toBe("5 2 3 4");
    const fixed = ProtobufReader.of(hex("0805"));
    fixed.next();
    const wrong = ProtobufScalars.of(fixed, WireType.I32);
    expect(wrong.next()).toBe(false);
    expect(wrong.malformed).toBe(true);
  });

  test("reads entries of maps, in any order and with parts left out", () => {
    expect(entry("0a016b120176")).toBe("k 0 v 0");
    expect(entry("1201760a016b")).toBe("k 0 v 0");
    expect(entry("08051006")).toBe(" 5  6");
    expect(entry("")).toBe(" 0  0");
    expect(entry("0a016b0a0178")).toBe("x 0  0");
    expect(entry("0a05")).toBe("malformed");
  });

  test("does not trap on any bytes", () => {
    let random: u32 = 1;
    for (let round = 0; round < 2000; ++round) {
      const bytes = Bytes.allocate(round % 60);
      for (let i = 0; i < bytes.size; ++i) {
        random = random * 1_664_525 + 1_013_904_223;
        bytes[i] = <u8>(random >> 24);
      }
      const reader = ProtobufReader.of(bytes);
      while (reader.next()) {
        const content = reader.content;
        expect(content.pointer >= bytes.pointer && content.pointer + content.size <= bytes.pointer + bytes.size).toBe(
          true,
        );
      }
      ProtobufMapEntry.read(bytes);
    }
  });
});

/** Groups in groups. */
function deep(levels: i32): string {
  return "0b".repeat(levels) + "0c".repeat(levels);
}

function scalars(digits: string, type: WireType): string {
  const values = ProtobufScalars.packed(hex(digits), type);
  const found: string[] = [];
  while (values.next()) found.push(values.number.toString());
  return values.malformed ? "malformed" : found.join(" ");
}

function entry(digits: string): string {
  const found = ProtobufMapEntry.read(hex(digits));
  if (found === null) return "malformed";
  return `${found.key.toString()} ${found.keyNumber} ${found.value.toString()} ${found.valueNumber}`;
}
