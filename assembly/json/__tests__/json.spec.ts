import { Bytes } from "../../bytes";
import { MAX_JSON_DEPTH, jsonError, parseJson } from "../parse";
import { JsonKind, JsonValue } from "../value";

/** The value in a form of its own: kinds by letters, so that tests can compare it. */
function form(value: JsonValue | null): string {
  if (value === null) return "malformed";
  switch (value.kind) {
    case JsonKind.String:
      return `s'${value.text}'`;
    case JsonKind.Number:
      return `n${value.text}`;
    case JsonKind.Array:
    case JsonKind.Object: {
      const parts: string[] = [];
      for (let i = 0; i < value.items.length; ++i) {
        const item = form(value.items[i]);
        parts.push(value.kind == JsonKind.Object ? `${value.keys[i]}:${item}` : item);
      }
      return `${value.kind == JsonKind.Object ? "o" : "a"}(${parts.join(",")})`;
    }
    default:
      return value.describe();
  }
}

function parsed(text: string): string {
  return form(parseJson(Bytes.utf8(text)));
}

function errorOf(text: string): string {
  return parseJson(Bytes.utf8(text)) === null ? jsonError : "no error";
}

describe("JSON", () => {
  test("values", () => {
    const cases: string[][] = [
      ["null", "null"],
      [" true ", "true"],
      ["false", "false"],
      ["0", "n0"],
      ["-0.5e+10", "n-0.5e+10"],
      ["1E5", "n1E5"],
      ['""', "s''"],
      ['"a\\"\\\\\\/\\b\\f\\n\\r\\tb"', "s'a\"\\/\b\f\n\r\tb'"],
      ['"\\u0041\\u00e9\\u20ac\\ud83d\\ude00"', "s'Aé€😀'"],
      ['"é😀\\u0000"', "s'é😀\0'"],
      ["[]", "a()"],
      ["[ 1 , [ ] , {} ]", "a(n1,a(),o())"],
      ['{"a":1,"b":[true,null],"":{"a":"x"}}', "o(a:n1,b:a(true,null),:o(a:s'x'))"],
      ["\t\r\n 1 \n", "n1"],
    ];
    for (let i = 0; i < cases.length; ++i) expect(parsed(cases[i][0])).toBe(cases[i][1]);
  });

  test("what is not JSON", () => {
    const texts: string[] = [
      "",
      " ",
      "nul",
      "True",
      "+1",
      "01",
      "-",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x1",
      "NaN",
      "Infinity",
    ];
    const strings: string[] = [
      "'a'",
      '"a',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\\ud800"',
      '"\\ude00"',
      '"\\ud800\\u0041"',
      '"\n"',
      '"\0"',
    ];
    const others: string[] = [
      "[",
      "]",
      "[1",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{",
      "}",
      "{a:1}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{"a":1 "b":2}',
      "1 2",
      "[]]",
      "/**/1",
    ];
    const all = texts.concat(strings).concat(others);
    for (let i = 0; i < all.length; ++i) expect(parsed(all[i])).toBe("malformed", all[i]);
  });

  test("what the grammar allows, and is refused all the same", () => {
    expect(errorOf('{"a":1,"b":{"a":1},"a":2}')).toBe('line 1, column 20: expected each member once, found ""a":2}"');
    expect(errorOf('{"a":1,"\\u0061":2}')).toBe('line 1, column 8: expected each member once, found ""\\u0061":2}"');
    const invalid = Bytes.utf8('"ab"');
    invalid[1] = 0xff;
    expect(form(parseJson(invalid))).toBe("malformed");
    expect(jsonError).toBe("expected UTF-8");
  });

  test("depth is bounded", () => {
    const deep = "[".repeat(MAX_JSON_DEPTH) + "]".repeat(MAX_JSON_DEPTH);
    expect(parsed(deep).length).toBe(3 * MAX_JSON_DEPTH);
    expect(parsed(`[${deep}]`)).toBe("malformed");
    expect(parsed("[".repeat(100_000))).toBe("malformed");
    expect(parsed('{"a":'.repeat(100_000))).toBe("malformed");
  });

  test("errors tell where", () => {
    expect(errorOf('{\n  "a": 1,\n  "b" 2\n}')).toBe('line 3, column 7: expected ":", found "2\n}"');
    expect(errorOf("[1,")).toBe("line 1, column 4: expected a value, found end of input");
    expect(errorOf("é x")).toBe('line 1, column 1: expected a value, found "é x"');
    expect(errorOf("1")).toBe("no error");
  });

  test("integers", () => {
    const whole: string[] = ["0", "-1", "9223372036854775807", "-9223372036854775808", "1000000000000000000"];
    for (let i = 0; i < whole.length; ++i) {
      const value = parseJson(Bytes.utf8(whole[i]))!;
      expect(value.isInteger).toBe(true, whole[i]);
      expect(value.integer.toString()).toBe(whole[i]);
    }
    const others: string[] = [
      "1.0",
      "1e3",
      "9223372036854775808",
      "-9223372036854775809",
      "99999999999999999999",
      '"1"',
      "true",
    ];
    for (let i = 0; i < others.length; ++i) expect(parseJson(Bytes.utf8(others[i]))!.isInteger).toBe(false, others[i]);
  });

  test("every cut of a text is refused, and no byte of one makes it trap", () => {
    const text = '{"a":[1,-2.5e3,"x\\n\\u00e9"],"b":{"c":null,"d":true}}';
    for (let cut = 0; cut < text.length; ++cut) expect(parsed(text.substring(0, cut))).toBe("malformed");
    for (let at = 0; at < text.length; ++at) {
      for (let byte = 0; byte < 256; ++byte) {
        const bytes = Bytes.utf8(text);
        bytes[at] = <u8>byte;
        form(parseJson(bytes));
      }
    }
    expect(parsed(text)).toBe("o(a:a(n1,n-2.5e3,s'x\né'),b:o(c:null,d:true))");
  });
});
