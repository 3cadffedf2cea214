import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { rangeText } from "../address-text";
import { addressHigh, addressLow, parseAddress } from "../cidr";

function textOf(address: string, bits: i32): string {
  if (!parseAddress(Bytes.utf8(address))) return "no address";
  return rangeText(addressHigh, addressLow, bits).toString();
}

describe("rangeText", () => {
  test("writes IPv4 addresses", () => {
    expect(textOf("192.0.2.0", 24)).toBe("192.0.2.0/24");
    expect(textOf("0.0.0.0", 0)).toBe("0.0.0.0/0");
    expect(textOf("255.10.9.100", 32)).toBe("255.10.9.100/32");
    expect(textOf("::ffff:192.0.2.1", 32)).toBe("192.0.2.1/32");
  });

  // RFC 5952, sections 1 and 4.
  test("writes IPv6 addresses in their recommended form", () => {
    const given = [
      "2001:0db8:0:0:0:0:0001:0000",
      "2001:db8:0:0:1:0:0:1",
      "2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001",
      "2001:DB8::1",
      "2001:db8:0:1:1:1:1:1",
      "2001:0:0:1:0:0:0:1",
      "::",
      "::1",
      "1::",
      "0:1:0:1:0:1:0:1",
    ];
    const expected = [
      "2001:db8::1:0",
      "2001:db8::1:0:0:1",
      "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
      "2001:db8::1",
      "2001:db8:0:1:1:1:1:1",
      "2001:0:0:1::1",
      "::",
      "::1",
      "1::",
      "0:1:0:1:0:1:0:1",
    ];
    for (let i = 0; i < given.length; ++i) expect(textOf(given[i], 128)).toBe(`${expected[i]}/128`, given[i]);
  });
});
