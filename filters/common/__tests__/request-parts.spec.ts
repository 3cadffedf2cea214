import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { fromRight, withoutPort } from "../client-address";
import { isPlainName } from "../names";
import { StringMatch, TextTest } from "../string-match";

describe("withoutPort", () => {
  test("takes the port off", () => {
    const given = [
      "192.0.2.1:80",
      "192.0.2.1",
      "[2001:db8::1]:443",
      "[2001:db8::1]",
      "2001:db8::1",
      "::1",
      "localhost:80",
    ];
    const plain = ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::1", "2001:db8::1", "::1", "localhost"];
    for (let i = 0; i < given.length; ++i) {
      expect(withoutPort(Bytes.utf8(given[i])).toString()).toBe(plain[i], given[i]);
    }
  });

  test("leaves what is no address as it is", () => {
    const given = ["", ":", "[", "[::1", "/run/socket", "@abstract", "a:b", "unknown"];
    const plain = ["", "", "[", "[::1", "/run/socket", "@abstract", "a:b", "unknown"];
    for (let i = 0; i < given.length; ++i) {
      expect(withoutPort(Bytes.utf8(given[i])).toString()).toBe(plain[i], given[i]);
    }
  });
});

describe("fromRight", () => {
  test("counts from the right", () => {
    const list = Bytes.utf8("a, b ,c,, e");
    const items = ["e", "", "c", "b", "a"];
    for (let i = 0; i < items.length; ++i) {
      const item = fromRight(list, i + 1);
      expect(item !== null && item.toString() == items[i]).toBe(true, `item ${i + 1}`);
    }
    expect(fromRight(list, 6) === null).toBe(true);
    expect(fromRight(list, 0) === null).toBe(true);
  });
});

describe("isPlainName", () => {
  test("allows only plain characters", () => {
    const good = ["a", "A-9_z", "x".repeat(64)];
    const bad = ["", "a.b", "a b", "ä", "a/b", "x".repeat(65), "a\0"];
    for (let i = 0; i < good.length; ++i) expect(isPlainName(good[i])).toBe(true, good[i]);
    for (let i = 0; i < bad.length; ++i) expect(isPlainName(bad[i])).toBe(false, bad[i]);
  });
});

function matches(test: TextTest, expected: string, text: string): bool {
  return new StringMatch(test, expected).matches(Bytes.utf8(text));
}

describe("StringMatch", () => {
  test("tests what it is told to", () => {
    expect(matches(TextTest.Exact, "ab", "ab")).toBe(true);
    expect(matches(TextTest.Exact, "ab", "abc")).toBe(false);
    expect(matches(TextTest.Exact, "ab", "AB")).toBe(false);
    expect(matches(TextTest.Prefix, "ab", "abc")).toBe(true);
    expect(matches(TextTest.Prefix, "ab", "a")).toBe(false);
    expect(matches(TextTest.Suffix, "bc", "abc")).toBe(true);
    expect(matches(TextTest.Suffix, "abcd", "bcd")).toBe(false);
    expect(matches(TextTest.Contains, "bc", "abcd")).toBe(true);
    expect(matches(TextTest.Contains, "cd", "abcd")).toBe(true);
    expect(matches(TextTest.Contains, "ac", "abcd")).toBe(false);
  });
});
