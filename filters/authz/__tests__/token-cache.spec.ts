import { Bytes, Config, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { Identity } from "../caller";
import { JwtProvider } from "../jwt-provider";
import { TokenCache } from "../token-cache";

const config: Config = new Config(Bytes.utf8("{}"));
const provider: JwtProvider = new JwtProvider(config, config.root);

function identity(subject: string, notAfter: f64 = 1): Identity {
  const result = new Identity(provider, subject, new JsonValue(JsonKind.Object));
  result.notAfter = notAfter;
  return result;
}

function subjectOf(cache: TokenCache, token: string): string {
  const found = cache.get(Bytes.utf8(token));
  return found === null ? "nobody" : found.subject;
}

describe("the token cache", () => {
  test("finds whole tokens only", () => {
    const cache = new TokenCache(16, 1);
    cache.set(Bytes.utf8("token"), identity("a"));
    expect(subjectOf(cache, "token")).toBe("a");
    expect(subjectOf(cache, "tokem")).toBe("nobody");
    expect(subjectOf(cache, "toke")).toBe("nobody");
    expect(subjectOf(cache, "tokens")).toBe("nobody");
    expect(subjectOf(cache, "")).toBe("nobody");
  });

  test("never holds more than its size, and drops what expires first", () => {
    const cache = new TokenCache(4, 1);
    for (let i = 0; i < 4; ++i) cache.set(Bytes.utf8(`t${i}`), identity(`${i}`, 100 - i));
    for (let i = 0; i < 4; ++i) expect(subjectOf(cache, `t${i}`)).toBe(`${i}`);
    cache.set(Bytes.utf8("new"), identity("new", 50));
    expect(subjectOf(cache, "t3")).toBe("nobody");
    expect(subjectOf(cache, "t2")).toBe("2");
    expect(subjectOf(cache, "new")).toBe("new");
    let kept = 0;
    for (let i = 0; i < 100; ++i) cache.set(Bytes.utf8(`x${i}`), identity("x", 60));
    for (let i = 0; i < 100; ++i) kept += subjectOf(cache, `x${i}`) == "x" ? 1 : 0;
    expect(kept).toBe(1, "the one place that is not held by tokens that expire later");
  });

  test("can be off, and takes no large token", () => {
    const off = new TokenCache(0, 1);
    off.set(Bytes.utf8("t"), identity("a"));
    expect(subjectOf(off, "t")).toBe("nobody");
    const cache = new TokenCache(4, 1);
    cache.set(Bytes.utf8("t".repeat(4096)), identity("a"));
    cache.set(Bytes.utf8("t".repeat(4097)), identity("b"));
    expect(subjectOf(cache, "t".repeat(4096))).toBe("a");
    expect(subjectOf(cache, "t".repeat(4097))).toBe("nobody");
  });
});
