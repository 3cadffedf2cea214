import { Bytes } from "../bytes";

describe("Bytes", () => {
  test("compares with ASCII text", () => {
    const bytes = Bytes.utf8("Content-Type");
    expect(bytes.is("Content-Type")).toBe(true);
    expect(bytes.is("content-type")).toBe(false);
    expect(bytes.is("Content-Typ")).toBe(false);
    expect(bytes.isIgnoreCase("cONTENT-tYPE")).toBe(true);
    expect(bytes.isIgnoreCase("content_type")).toBe(false);
    expect(bytes.startsWith("Content")).toBe(true);
    expect(bytes.startsWith("Content-Type-")).toBe(false);
    expect(bytes.endsWith("-Type")).toBe(true);
    expect(bytes.endsWith("type")).toBe(false);
    expect(bytes.startsWith("")).toBe(true);
    expect(Bytes.utf8("[").isIgnoreCase("{")).toBe(false);
    expect(Bytes.utf8("é").is("é")).toBe(false, "only ASCII is compared so");
  });

  test("slices within its bounds", () => {
    const bytes = Bytes.utf8("abcdef");
    expect(bytes.slice(2, 4).toString()).toBe("cd");
    expect(bytes.slice(4).toString()).toBe("ef");
    expect(bytes.slice(-1, 100).toString()).toBe("abcdef");
    expect(bytes.slice(5, 2).toString()).toBe("");
    expect(bytes.slice(100).toString()).toBe("");
  });

  test("finds bytes", () => {
    const bytes = Bytes.utf8("a,b,c");
    expect(bytes.indexOf(0x2c)).toBe(1);
    expect(bytes.indexOf(0x2c, 2)).toBe(3);
    expect(bytes.indexOf(0x2c, 4)).toBe(-1);
    expect(bytes.indexOf(0x2c, -5)).toBe(1);
    expect(bytes.indexOf(0x2c, 100)).toBe(-1);
  });

  test("finds a byte at every distance, whatever is around it", () => {
    const bytes = Bytes.allocate(40);
    const wanted: u8[] = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xff];
    let wrong = 0;
    for (let w = 0; w < wanted.length; ++w) {
      // One more and one less than a byte are what a trick with whole words takes for it.
      for (let other = -1; other <= 1; other += 2) {
        for (let at = 0; at < bytes.size; ++at) {
          for (let i = 0; i < bytes.size; ++i) bytes[i] = <u8>(wanted[w] + other);
          if (bytes.indexOf(wanted[w]) != -1) ++wrong;
          bytes[at] = wanted[w];
          for (let from = 0; from < bytes.size; ++from) {
            if (bytes.indexOf(wanted[w], from) != (from <= at ? at : -1)) ++wrong;
          }
        }
      }
    }
    expect(wrong).toBe(0);
  });

  test("trims blanks", () => {
    expect(Bytes.utf8(" \ta b\t ").trim().toString()).toBe("a b");
    expect(Bytes.utf8(" \t ").trim().size).toBe(0);
    expect(Bytes.utf8("").trim().size).toBe(0);
    expect(Bytes.utf8("\na").trim().toString()).toBe("\na");
  });

  test("a copy is a copy", () => {
    const bytes = Bytes.utf8("abc");
    const copy = bytes.copy();
    bytes[0] = 0x7a;
    expect(bytes.toString()).toBe("zbc");
    expect(Bytes.of(copy).toString()).toBe("abc");
    expect(Bytes.of(copy).equals(Bytes.utf8("abc"))).toBe(true);
    expect(Bytes.of(copy).equals(bytes)).toBe(false);
    expect(Bytes.of(copy).equals(Bytes.utf8("ab"))).toBe(false);
  });

  test("a lone surrogate becomes U+FFFD", () => {
    expect(Bytes.utf8("a" + String.fromCharCode(0xd800) + "b").toString()).toBe("a\ufffdb");
  });
});
