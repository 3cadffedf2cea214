import { Bytes } from "../../bytes";
import { decodeUtf8, isUtf8 } from "../utf8";

describe("utf8", () => {
  test("x", () => {
    const b = Bytes.utf8("häß€😀");
    expect(decodeUtf8(b.pointer, b.size)).toBe("häß€😀");
    expect(isUtf8(b.pointer, b.size)).toBe(true);
  });
});
