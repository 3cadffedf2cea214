import { Bytes } from "../../bytes";
import { parseJson } from "../../json/parse";
import { jsonText } from "../json-text";

function written(text: string): string {
  const value = parseJson(Bytes.utf8(text));
  return value === null ? "malformed" : jsonText(value);
}

describe("jsonText", () => {
  it("writes what was read, without blanks", () => {
    expect(written(' { "a" : [ 1.50e3 , -0, true,false , null ], "b": { }, "c":[] } ')).toBe(
      '{"a":[1.50e3,-0,true,false,null],"b":{},"c":[]}',
    );
  });

  it("escapes what JSON wants escaped", () => {
    expect(written('"\\"\\\\\\n\\u0001é😀/"')).toBe('"\\u0022\\u005c\\u000a\\u0001é😀/"');
  });

  it("gives text that reads as the same", () => {
    const text = '{"\\u0022":"\\u000a","n":12345678901234567890}';
    expect(written(written(text))).toBe(text);
  });
});
