import { Bytes, SignatureVerdict, Config, decodeBase64Url, parseJson } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "../keys/algorithm";
import { readKeys } from "../keys/jwks";
import { parseJwt } from "../jwt";

/** RFC 7515, A.1. */
const TOKEN: string =
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
  ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
  ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const KEY: string = `{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}`;

describe("a token", () => {
  test("of RFC 7515, A.1, is read and verified", () => {
    const jwt = parseJwt(Bytes.utf8(TOKEN))!;
    expect(jwt.algorithm).toBe(Algorithm.HS256);
    expect(jwt.keyId === null).toBe(true);
    expect(jwt.claims.member("iss")!.text).toBe("joe");
    expect(jwt.claims.member("exp")!.integer).toBe(1300819380);
    expect(jwt.claims.member("http://example.com/is_root")!.bool).toBe(true);
    const keys = readKeys(new Config(Bytes.utf8("{}")), "jwks", parseJson(Bytes.utf8(KEY)), []);
    expect(keys.length).toBe(1);
    expect(keys[0].isFor(jwt)).toBe(true);
    expect(keys[0].verify(jwt)).toBe(SignatureVerdict.Valid);
    const changed = parseJwt(Bytes.utf8(TOKEN.replace("dBjf", "dBjg")))!;
    expect(keys[0].verify(changed)).toBe(SignatureVerdict.Invalid);
  });

  test("cut anywhere is none, or one with another signature", () => {
    const signatureStart = TOKEN.lastIndexOf(".") + 1;
    for (let size = 0; size < TOKEN.length; ++size) {
      const jwt = parseJwt(Bytes.utf8(TOKEN.substring(0, size)));
      if (size < signatureStart) expect(jwt === null).toBe(true);
      else if (jwt !== null) expect(jwt.signature.size).toBeLessThan(32);
    }
    expect(decodeBase64Url(Bytes.utf8(TOKEN.substring(signatureStart)))!.size).toBe(32);
  });

  test("of RFC 7515, A.5, without a signature, has no algorithm that is known", () => {
    const unsecured =
      "eyJhbGciOiJub25lIn0" +
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    expect(parseJwt(Bytes.utf8(unsecured))!.algorithm).toBe(Algorithm.Unsupported);
  });
});

describe("a key set", () => {
  test("takes the keys of RFC 7517, A.1, apart", () => {
    const set = `{"keys":[
      {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
       "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
      {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
       "e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}`;
    const config = new Config(Bytes.utf8("{}"));
    const keys = readKeys(config, "jwks", parseJson(Bytes.utf8(set)), []);
    expect(config.messages.length).toBe(0);
    expect(keys.length).toBe(1, "the first is for encryption");
    expect(keys[0].algorithm).toBe(Algorithm.RS256);
    expect(keys[0].id!).toBe("2011-04-29");
  });
});
