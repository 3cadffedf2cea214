import { Bytes, Config, ConfigObject, JsonValue, parseJson } from "proxy-wasm-assemblyscript-sdk";
import { ClaimPath, hasWord } from "../../authentication/claims";
import { ClaimMatch } from "../claim-match";
import { HostMatch, hostOf } from "../host-match";
import { headerText } from "../../authentication/claim-outputs";
import { isHeaderValue } from "../../text";

function object(text: string): ConfigObject {
  return new Config(Bytes.utf8(text)).root;
}

function json(text: string): JsonValue {
  return parseJson(Bytes.utf8(text))!;
}

function matchesHost(pattern: string, authority: string): bool {
  return new HostMatch(object("{}"), pattern).matches(hostOf(Bytes.utf8(authority)));
}

function matchesClaim(match: string, claims: string): bool {
  return new ClaimMatch(object(match)).matches(json(claims));
}

describe("hosts", () => {
  test("without port and closing dot", () => {
    const cases: string[][] = [
      ["a.example", "a.example"],
      ["a.example:80", "a.example"],
      ["a.example.:80", "a.example"],
      ["[::1]:80", "[::1]"],
      ["[::1]", "[::1]"],
      [":80", ""],
      ["", ""],
      [".", ""],
    ];
    for (let i = 0; i < cases.length; ++i) expect(hostOf(Bytes.utf8(cases[i][0])).toString()).toBe(cases[i][1]);
  });

  test("one, or all below one", () => {
    expect(matchesHost("a.Example", "A.eXample:1")).toBe(true);
    expect(matchesHost("a.example", "b.a.example")).toBe(false);
    expect(matchesHost("*.a.example", "b.A.example")).toBe(true);
    expect(matchesHost("*.a.example", "c.b.a.example")).toBe(true);
    expect(matchesHost("*.a.example", "a.example")).toBe(false);
    expect(matchesHost("*.a.example", ".a.example")).toBe(false);
    expect(matchesHost("*.a.example", "ba.example")).toBe(false);
  });
});

describe("claims", () => {
  test("words of a list", () => {
    expect(hasWord("read write", "read")).toBe(true);
    expect(hasWord("read write", "write")).toBe(true);
    expect(hasWord("reader read", "read")).toBe(true);
    expect(hasWord("reader rewrite", "read")).toBe(false);
    expect(hasWord("read write", "read write")).toBe(false);
    expect(hasWord("", "read")).toBe(false);
  });

  test("equal or contained", () => {
    expect(matchesClaim('{"claim":"a.b","equals":"x"}', '{"a":{"b":"x"}}')).toBe(true);
    expect(matchesClaim('{"claim":"a.b","equals":"x"}', '{"a.b":"x"}')).toBe(false);
    expect(matchesClaim('{"claim":["a.b"],"equals":"x"}', '{"a.b":"x"}')).toBe(true);
    expect(matchesClaim('{"claim":"a","equals":"x"}', '{"a":["x"]}')).toBe(false);
    expect(matchesClaim('{"claim":"a","equals":true}', '{"a":true}')).toBe(true);
    expect(matchesClaim('{"claim":"a","equals":true}', '{"a":"true"}')).toBe(false);
    expect(matchesClaim('{"claim":"a","equals":false}', '{"a":null}')).toBe(false);
    expect(matchesClaim('{"claim":"a","equals":""}', '{"a":null}')).toBe(false);
    expect(matchesClaim('{"claim":"a","equals":"1"}', '{"a":1}')).toBe(false);
    expect(matchesClaim('{"claim":"a","contains":"x"}', '{"a":["y","x"]}')).toBe(true);
    expect(matchesClaim('{"claim":"a","contains":"x"}', '{"a":"y x"}')).toBe(true);
    expect(matchesClaim('{"claim":"a","contains":"1"}', '{"a":[1]}')).toBe(false);
    expect(matchesClaim('{"claim":"a","contains":"x"}', '{"a":{"x":"x"}}')).toBe(false);
    expect(matchesClaim('{"claim":"a.b.c","contains":"x"}', '{"a":"b"}')).toBe(false);
  });

  test("a path leads through objects only", () => {
    const path = ClaimPath.read(object('{"claim":"a.0"}'), "claim");
    expect(path.find(json('{"a":["x"]}')) === null).toBe(true);
    expect(path.find(json('{"a":{"0":null}}')) === null).toBe(false);
  });

  test("as headers", () => {
    const cases: string[][] = [
      ['"a b"', "a b"],
      ["1.50", "1.50"],
      ["true", "true"],
      ['["a",1,false]', "a,1,false"],
      ["null", "none"],
      ["[]", "none"],
      ["{}", "none"],
      ['["a,b"]', "none"],
      ['[["a"]]', "none"],
    ];
    for (let i = 0; i < cases.length; ++i) {
      const text = headerText(json(cases[i][0]));
      expect(text === null ? "none" : text).toBe(cases[i][1]);
    }
    expect(isHeaderValue(Bytes.utf8("é, a\xa0"))).toBe(true);
    expect(isHeaderValue(Bytes.utf8(""))).toBe(true);
    const wrong: string[] = ["a\n", "a\r", "\0", "a\x7fb", " a", "a\t", "a\tb"];
    for (let i = 0; i < wrong.length; ++i) expect(isHeaderValue(Bytes.utf8(wrong[i]))).toBe(false, wrong[i]);
  });
});
