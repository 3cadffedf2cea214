import { Bytes } from "../../bytes";
import { Pairs } from "../pairs";

function bytesOf(values: u8[]): Bytes {
  const bytes = Bytes.allocate(values.length);
  for (let i = 0; i < values.length; ++i) bytes[i] = values[i];
  return bytes;
}

/** {"a": "bc", "": ""} */
const whole: u8[] = [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x61, 0, 0x62, 0x63, 0, 0, 0];

describe("Pairs", () => {
  test("reads entries in place", () => {
    const pairs = Pairs.of(bytesOf(whole));
    expect(pairs.count).toBe(2);
    expect(pairs.keyAt(0).toString()).toBe("a");
    expect(pairs.valueAt(0).toString()).toBe("bc");
    expect(pairs.keyAt(1).size).toBe(0);
    expect(pairs.valueAt(1).size).toBe(0);
    expect(pairs.find("a")!.toString()).toBe("bc");
    expect(pairs.find("b") === null).toBe(true);
    expect(pairs.find("")!.size).toBe(0);
  });

  test("is empty beyond its entries", () => {
    const pairs = Pairs.of(bytesOf(whole));
    for (let index = -1; index < 4; index += 3) {
      expect(pairs.keyAt(index).size).toBe(0);
      expect(pairs.valueAt(index).size).toBe(0);
    }
    expect(pairs.keyAt(i32.MIN_VALUE).size).toBe(0);
  });

  test("has no entries where the bytes are cut, at any place", () => {
    for (let size = 0; size < whole.length; ++size) {
      expect(Pairs.of(bytesOf(whole.slice(0, size))).count).toBe(0, `cut to ${size}`);
    }
    expect(Pairs.of(bytesOf(whole.concat([0]))).count).toBe(0, "one byte too many");
  });

  test("has no entries where any count or size is wrong", () => {
    const values: u8[] = [0x01, 0x7f, 0x80, 0xff];
    for (let at = 0; at < 20; ++at) {
      for (let i = 0; i < values.length; ++i) {
        const changed = whole.slice(0);
        if (changed[at] == values[i]) continue;
        changed[at] = values[i];
        expect(Pairs.of(bytesOf(changed)).count).toBe(0, `byte ${at} is ${values[i]}`);
      }
    }
  });

  test("has no entries where sizes wrap around in 32 bits", () => {
    // 2^29 entries, whose table of sizes has 2^32 bytes.
    expect(Pairs.of(bytesOf([0, 0, 0, 0x20])).count).toBe(0);
    // Sizes whose sum is right but for 2^32.
    expect(Pairs.of(bytesOf([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0])).count).toBe(0);
  });

  test("knows an empty map", () => {
    expect(Pairs.of(bytesOf([0, 0, 0, 0])).count).toBe(0);
    expect(Pairs.of(Bytes.at(0, 0)).count).toBe(0);
  });
});
