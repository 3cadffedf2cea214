import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { fromRight, withoutPort } from "../client-address";
import { cookieValue } from "../cookie";
import { parseDuration } from "../duration";
import { isPlainName } from "../names";
import { normalizePath } from "../path";
import { StringMatch, TextTest } from "../string-match";

function pathOf(target: string): string {
  return normalizePath(Bytes.utf8(target)).toString();
}

describe("normalizePath", () => {
  test("leaves a normal path alone", () => {
    const paths = ["/", "/a", "/a/", "/a.b/c..d/...", "/a/b;c=1,2", "*", "", "a/../b", "/%2F", "/a%2fb"];
    const normal = ["/", "/a", "/a/", "/a.b/c..d/...", "/a/b;c=1,2", "*", "", "a/../b", "/%2F", "/a%2Fb"];
    for (let i = 0; i < paths.length; ++i) expect(pathOf(paths[i])).toBe(normal[i], paths[i]);
  });

  test("cuts query and fragment", () => {
    expect(pathOf("/a?b=/../c")).toBe("/a");
    expect(pathOf("/a#b?c")).toBe("/a");
    expect(pathOf("/a/?")).toBe("/a/");
    expect(pathOf("?a")).toBe("");
  });

  test("resolves dot segments", () => {
    const paths = [
      "/.",
      "/..",
      "/./a",
      "/../a",
      "/a/.",
      "/a/..",
      "/a/./b",
      "/a/../b",
      "/a/b/../../../c",
      "/a/b/..",
      "/.a/..b",
    ];
    const normal = ["/", "/", "/a", "/a", "/a/", "/", "/a/b", "/b", "/c", "/a/", "/.a/..b"];
    for (let i = 0; i < paths.length; ++i) expect(pathOf(paths[i])).toBe(normal[i], paths[i]);
  });

  test("merges slashes", () => {
    const paths = ["//", "//a", "/a//b", "/a///", "\\a\\b", "/a\\..\\b", "/a//../b", "//../a"];
    const normal = ["/", "/a", "/a/b", "/a/", "/a/b", "/b", "/b", "/a"];
    for (let i = 0; i < paths.length; ++i) expect(pathOf(paths[i])).toBe(normal[i], paths[i]);
  });

  test("decodes what need not be escaped, and only that", () => {
    const paths = [
      "/%61%7a%41%30",
      "/%2e%2E/a",
      "/a/%2e%2e/b",
      "/%7Ea",
      "/%2f%5c",
      "/%25%36%31",
      "/%e4%BD%a0",
      "/%41%",
    ];
    const normal = ["/azA0", "/a", "/b", "/~a", "/%2F%5C", "/%2561", "/%E4%BD%A0", "/A%"];
    for (let i = 0; i < paths.length; ++i) expect(pathOf(paths[i])).toBe(normal[i], paths[i]);
  });

  test("keeps a malformed escape as it is", () => {
    const paths = ["/%", "/%4", "/%zz", "/%4g", "/%%41", "/%4%41", "/a%/../b"];
    const normal = ["/%", "/%4", "/%zz", "/%4g", "/%A", "/%4A", "/b"];
    for (let i = 0; i < paths.length; ++i) expect(pathOf(paths[i])).toBe(normal[i], paths[i]);
  });
});

function cookieOf(header: string, name: string): string {
  const value = cookieValue(Bytes.utf8(header), Bytes.utf8(name));
  return value === null ? "(none)" : value.toString();
}

describe("cookieValue", () => {
  test("finds a cookie", () => {
    expect(cookieOf("a=1", "a")).toBe("1");
    expect(cookieOf("a=1; b=2; c=3", "b")).toBe("2");
    expect(cookieOf("a=1;b=2;c=3", "c")).toBe("3");
    expect(cookieOf("  a = 1 ;\tb\t=\t2", "b")).toBe("2");
  });

  test("takes the first of a name, and what stands behind the first =", () => {
    expect(cookieOf("a=1; a=2", "a")).toBe("1");
    expect(cookieOf("a=b=c==", "a")).toBe("b=c==");
    expect(cookieOf('a="x y"', "a")).toBe('"x y"');
  });

  test("knows empty from absent", () => {
    expect(cookieOf("a=", "a")).toBe("");
    expect(cookieOf("a=; b", "b")).toBe("(none)");
  });

  test("passes over what is no cookie", () => {
    const headers = ["", "a", ";", ";;;", "=", "=a", "; a", "a;", "b; c; d", " ", "a ; =a"];
    for (let i = 0; i < headers.length; ++i) expect(cookieOf(headers[i], "a")).toBe("(none)", headers[i]);
    expect(cookieOf("session; a=1", "a")).toBe("1");
    expect(cookieOf(";;a=1", "a")).toBe("1");
  });

  test("compares whole names with regard to case", () => {
    expect(cookieOf("ab=1; xa=2; A=3", "a")).toBe("(none)");
  });
});

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

describe("parseDuration", () => {
  test("reads durations", () => {
    const texts = ["60s", "1h30m", "500ms", "1m", "0s", "1h1m1s1ms", "99999h", "10s10s"];
    const milliseconds: i64[] = [60_000, 5_400_000, 500, 60_000, 0, 3_661_001, 359_996_400_000, 20_000];
    for (let i = 0; i < texts.length; ++i) expect(parseDuration(texts[i])).toBe(milliseconds[i], texts[i]);
  });

  test("refuses what is none", () => {
    const texts = [
      "",
      "60",
      "s",
      "1.5s",
      "-1s",
      "1 s",
      " 1s",
      "1s ",
      "1d",
      "100000s",
      "1ss",
      "1h1m1s1ms1h",
      "1S",
      "١s",
    ];
    for (let i = 0; i < texts.length; ++i) expect(parseDuration(texts[i])).toBe(-1, texts[i]);
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
