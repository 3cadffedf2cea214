import { Bytes } from "../../bytes";
import { encodeHex } from "../../encoding";
import { HeaderList } from "../header-list";
import { HeaderName } from "../header-name";

function hexOf(list: HeaderList): string {
  return encodeHex(list.encode()).toString();
}

describe("HeaderList", () => {
  test("is encoded as the host reads it", () => {
    expect(hexOf(new HeaderList())).toBe("00000000");
    // Count; sizes of "ab" and "c"; each with a zero byte behind it.
    expect(hexOf(new HeaderList().add("ab", "c"))).toBe("01000000" + "02000000" + "01000000" + "616200" + "6300");
    expect(hexOf(new HeaderList().add("a", "").addBytes("a", Bytes.utf8("é")))).toBe(
      "02000000" + "0100000000000000" + "0100000002000000" + "6100" + "00" + "6100" + "c3a900",
    );
  });

  test("can be encoded again, with more in it", () => {
    const list = new HeaderList().add("a", "b");
    const first = hexOf(list);
    expect(hexOf(list)).toBe(first);
    expect(hexOf(list.add("a", "b"))).not.toBe(first);
  });
});

describe("HeaderName", () => {
  test("is in lower case", () => {
    const name = new HeaderName("X-Request-ID");
    expect(Bytes.at(name.pointer, name.size).toString()).toBe("x-request-id");
    expect(name.size).toBe(12);
  });
});
