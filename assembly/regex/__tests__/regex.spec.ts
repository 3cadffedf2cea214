import { Bytes } from "../../bytes";
import { Regex, RegexSet, regexError } from "..";

function matches(pattern: string, text: string): bool {
  const regex = Regex.compile(pattern);
  return regex !== null && regex.matches(Bytes.utf8(text));
}

describe("Regex", () => {
  test("whole texts", () => {
    expect(matches("a*b+", "aabb")).toBe(true);
    expect(matches("a*b+", "aabbc")).toBe(false);
    expect(matches("(?i)/ADMIN(/.*)?", "/admin/x")).toBe(true);
    expect(matches("é.", "é€")).toBe(true);
    expect(matches("\\bx\\b.*", "x y")).toBe(true);
    expect(matches("", "")).toBe(true);
    expect(matches("", "a")).toBe(false);
    expect(matches("(a{2,3}){2}", "aaaaa")).toBe(true);
    expect(matches("(a{2,3}){2}", "aaaaaaa")).toBe(false);
  });

  test("a byte that is no UTF-8 is one character", () => {
    const text = Bytes.utf8("a?b");
    text[1] = 0xff;
    const any = Regex.compile("a.b");
    const not = Regex.compile("a[^x]b");
    expect(any !== null && any.matches(text)).toBe(true);
    expect(not !== null && not.matches(text)).toBe(true);
  });

  test("errors", () => {
    expect(Regex.compile("(") === null).toBe(true);
    expect(regexError).toBe("a ( without ), at character 2");
    expect(Regex.compile("((a{1000}){1000}){1000}") === null).toBe(true);
    expect(regexError).toBe("a pattern that takes more than 4000 states");
  });

  // The deterministic automaton of this pattern has 2^15 states: more than fit.
  test("goes on where tables are full", () => {
    const regex = Regex.compile("(a|b)*a(a|b){14}");
    let seed: u32 = 1;
    for (let round = 0; round < 40; ++round) {
      const text = Bytes.allocate(400);
      for (let i = 0; i < 400; ++i) {
        seed = seed * 1664525 + 1013904223;
        text[i] = seed >> 31 ? 0x61 : 0x62;
      }
      expect(regex !== null && regex.matches(text)).toBe(text[385] == 0x61);
    }
  });
});

describe("RegexSet", () => {
  test("many at once", () => {
    const set = new RegexSet();
    for (let i = 0; i < 1000; ++i) expect(set.add(`/path${i}/[a-z]+(/.*)?`)).toBe(i);
    expect(set.add("/path7/.*")).toBe(1000);
    set.compile();
    expect(set.scan(Bytes.utf8("/path7/a/b"))).toBe(2);
    expect(set.matchAt(0) + set.matchAt(1)).toBe(1007);
    expect(set.scan(Bytes.utf8("/path7"))).toBe(0);
    expect(set.scan(Bytes.utf8("/path999/a"))).toBe(1);
    expect(set.matchAt(0)).toBe(999);
  });
});
