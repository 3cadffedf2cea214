import { Bytes } from "../../bytes";
import { parseJson } from "../parse";
import { JsonKind, JsonValue } from "../value";
import { JsonWriter, stringifyJson } from "../writer";

const writer: JsonWriter = new JsonWriter(16);

function stringOf(text: string): string {
  return writer.clear().string(text).bytes.toString();
}

function numberOf(value: f64): string {
  return writer.clear().number(value).bytes.toString();
}

describe("JsonWriter", () => {
  test("puts commas where they belong", () => {
    writer.clear().beginObject();
    writer.name("a").integer(1).name("b").beginArray().string("x").null().bool(true).bool(false).endArray();
    writer.name("c").beginObject().endObject().name("d").beginArray().endArray().name("e").raw(Bytes.utf8("[1]"));
    expect(writer.endObject().bytes.toString()).toBe('{"a":1,"b":["x",null,true,false],"c":{},"d":[],"e":[1]}');
  });

  test("is not misled by what strings end with", () => {
    writer.clear().beginArray().string("[").string("{").string(":").string("\n").string("").endArray();
    expect(writer.bytes.toString()).toBe('["[","{",":","\\n",""]');
  });

  test("writes a value a line", () => {
    writer.clear().integer(1).newLine().beginObject().endObject().newLine();
    expect(writer.bytes.toString()).toBe("1\n{}\n");
  });

  test("escapes what RFC 8259 wants escaped, and nothing else", () => {
    expect(stringOf('"\\/\b\f\n\r\t')).toBe('"\\"\\\\/\\b\\f\\n\\r\\t"');
    expect(stringOf("\0\x1f\x7f")).toBe('"\\u0000\\u001f\x7f"');
    expect(stringOf("aé€😀z")).toBe('"aé€😀z"');
    expect(writer.clear().stringBytes(Bytes.utf8('a"é\n😀')).bytes.toString()).toBe('"a\\"é\\n😀"');
  });

  test("writes UTF-8 whatever it is given", () => {
    const lone = String.fromCharCode(0xd800);
    expect(stringOf(`a${lone}b`)).toBe('"a\ufffdb"');
    expect(stringOf(`${String.fromCharCode(0xdc00)}${lone}`)).toBe('"\ufffd\ufffd"');
    const invalid = Bytes.utf8("ab");
    invalid[1] = 0xff;
    expect(writer.clear().stringBytes(invalid).bytes.toString()).toBe('"a\ufffd"');
  });

  test("writes numbers that read back as the same", () => {
    const numbers: f64[] = [0, 1.5, -0.1, 1e21, 5e-324, f64.MAX_VALUE, 123456789012345680, 0.1 + 0.2];
    for (let i = 0; i < numbers.length; ++i) {
      const value = parseJson(Bytes.utf8(numberOf(numbers[i])))!;
      expect(value.number).toBe(numbers[i]);
    }
    expect(numberOf(f64.NaN)).toBe("null");
    expect(numberOf(-f64.POSITIVE_INFINITY)).toBe("null");
    expect(writer.clear().integer(i64.MIN_VALUE).bytes.toString()).toBe("-9223372036854775808");
  });

  test("every character of the basic plane comes back", () => {
    for (let code = 0; code < 0xd800; code += 61) {
      const text = `x${String.fromCharCode(code)}y`;
      expect(parseJson(writer.clear().string(text).bytes)!.text).toBe(text);
    }
  });

  test("writes what was read", () => {
    const text = '{"a":[1.50,-0,1e400,12345678901234567890],"b":{"":"é\\n"},"c":null,"d":[true,false,[],{}]}';
    expect(stringifyJson(parseJson(Bytes.utf8(text))!)).toBe(text);
    expect(stringifyJson(parseJson(Bytes.utf8(' [ "\\u0041\\/" , 1 ] '))!)).toBe('["A/",1]');
    const blanks = ' { "a" : [ 1.50e3 , -0, true,false , null ], "b": { }, "c":[] } ';
    expect(stringifyJson(parseJson(Bytes.utf8(blanks))!)).toBe('{"a":[1.50e3,-0,true,false,null],"b":{},"c":[]}');
    const escapes = '"\\"\\\\\\n\\u0001é😀/"';
    expect(stringifyJson(parseJson(Bytes.utf8(escapes))!)).toBe(escapes);
  });
});

describe("JsonValue", () => {
  test("knows where it stands in the text", () => {
    const text = Bytes.utf8(' {"é" : [ 1, "a\\"b" ] , "c":{"d": true }, "e":-1.5e3 } ');
    const root = parseJson(text)!;
    expect(root.source(text).toString()).toBe(text.trim().toString());
    expect(root.member("é")!.source(text).toString()).toBe('[ 1, "a\\"b" ]');
    expect(root.member("é")!.items[1].source(text).toString()).toBe('"a\\"b"');
    expect(root.member("c")!.source(text).toString()).toBe('{"d": true }');
    expect(root.member("e")!.source(text).toString()).toBe("-1.5e3");
  });

  test("finds members of small and of large objects", () => {
    const object = new JsonValue(JsonKind.Object);
    let refused = 0;
    for (let i = 0; i < 1000; ++i) {
      const value = new JsonValue(JsonKind.Number);
      value.text = i.toString();
      if (!object.add(`k${i}`, value)) ++refused;
    }
    expect(refused).toBe(0);
    expect(object.add("k3", new JsonValue(JsonKind.Null))).toBe(false);
    expect(object.add("k999", new JsonValue(JsonKind.Null))).toBe(false);
    for (let i = 0; i < 1000; i += 97) expect(object.member(`k${i}`)!.integer).toBe(i);
    expect(object.member("k1000") === null).toBe(true);
    expect(object.keys[999]).toBe("k999");
  });
});
