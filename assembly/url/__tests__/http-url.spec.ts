import { HttpUrl, urlError } from "../http-url";
import { isIpv4, isIpv6 } from "../ip";

function parts(text: string): string {
  const url = HttpUrl.parse(text);
  return url === null ? "(none)" : `${url.scheme} ${url.host} ${url.port} ${url.path}`;
}

describe("HttpUrl", () => {
  test("has its parts", () => {
    const texts = [
      "http://a.example",
      "HTTPS://A.Example:8443/Path?q=1",
      "http://a?q",
      "https://192.0.2.1:80/",
      "http://[2001:DB8::1]:8080/x",
      "https://[::ffff:192.0.2.1]",
      "http://a.:80",
      "http://a:",
      "http://my_service.ns/%7Ea",
      "http://a:00080/",
    ];
    const found = [
      "http a.example 80 /",
      "https a.example 8443 /Path?q=1",
      "http a 80 /?q",
      "https 192.0.2.1 80 /",
      "http 2001:db8::1 8080 /x",
      "https ::ffff:192.0.2.1 443 /",
      "http a. 80 /",
      "http a 80 /",
      "http my_service.ns 80 /%7Ea",
      "http a 80 /",
    ];
    for (let i = 0; i < texts.length; ++i) expect(parts(texts[i])).toBe(found[i], texts[i]);
  });

  test("says what was expected", () => {
    const cases: string[][] = [
      ["", "http://"],
      ["a.example/", "http://"],
      ["ftp://a/", "http://"],
      ["//a/", "http://"],
      ["http:/a", "http://"],
      [" http://a", "http://"],
      ["http://u@a/", "user name"],
      ["http://u:p@a/", "user name"],
      ["http://a/#f", "fragment"],
      ["http://a/ b", "escaped"],
      ["http://a/é", "escaped"],
      ["http://a/%zz", "escaped"],
      ["http://a/%4", "escaped"],
      ["http://a\\b/", "host"],
      ["http://a/b\\c", "escaped"],
      ["http://", "host"],
      ["http:///x", "host"],
      ["http://:80/", "host"],
      ["http://a:0", "port"],
      ["http://a:65536", "port"],
      ["http://a:-1", "port"],
      ["http://a:8O", "port"],
      ["http://a:100000", "port"],
      ["http://a..b", "host"],
      ["http://-é", "host"],
      ["http://a%2eb", "host"],
      ["http://1.2.3", "host"],
      ["http://0x7f.1", "host"],
      ["http://1.2.3.04", "host"],
      ["http://256.1.1.1", "host"],
      ["http://1.2.3.4.", "host"],
      ["http://::1/", "host"],
      ["http://[::1", "host"],
      ["http://[]", "host"],
      ["http://[::1%25eth0]/", "host"],
      ["http://[1.2.3.4]/", "host"],
      ["http://[::1]a/", "host"],
      ["http://a[::1]/", "host"],
    ];
    for (let i = 0; i < cases.length; ++i) {
      expect(parts(cases[i][0])).toBe("(none)", cases[i][0]);
      expect(urlError.includes(cases[i][1])).toBe(true, `${cases[i][0]}: ${urlError}`);
    }
  });

  test("writes the authority, and itself", () => {
    const texts = ["http://a:80/x", "https://a:80", "https://[::1]:443", "http://[::1]:443"];
    const authorities = ["a", "a:80", "[::1]", "[::1]:443"];
    const whole = ["http://a/x", "https://a:80/", "https://[::1]/", "http://[::1]:443/"];
    for (let i = 0; i < texts.length; ++i) {
      const url = HttpUrl.parse(texts[i])!;
      expect(url.authority).toBe(authorities[i]);
      expect(url.toString()).toBe(whole[i]);
    }
  });
});

describe("IP addresses", () => {
  test("IPv4", () => {
    const good = ["0.0.0.0", "255.255.255.255", "192.0.2.10"];
    const bad = ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3", "1.2.3.4 ", "a.b.c.d", "1.2.3.-4"];
    for (let i = 0; i < good.length; ++i) expect(isIpv4(good[i])).toBe(true, good[i]);
    for (let i = 0; i < bad.length; ++i) expect(isIpv4(bad[i])).toBe(false, bad[i]);
  });

  test("IPv6", () => {
    // The first are the examples of RFC 4291, section 2.2.
    const good = [
      "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
      "2001:DB8:0:0:8:800:200C:417A",
      "2001:DB8::8:800:200C:417A",
    ];
    const more = ["FF01::101", "::1", "::", "0:0:0:0:0:0:13.1.68.3", "::FFFF:129.144.52.38", "1::", "1:2:3:4:5:6:7::"];
    const bad = [
      "",
      ":",
      ":::",
      "1",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "12345::",
      "g::",
      "1:2:3:4:5:6:7:8::",
    ];
    const others = [
      "::1:2:3:4:5:6:7:8",
      "1.2.3.4::",
      "::1.2.3",
      "::1.2.3.4:5",
      ":1::",
      "::1:",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::%1",
    ];
    const allGood = good.concat(more);
    const allBad = bad.concat(others);
    for (let i = 0; i < allGood.length; ++i) expect(isIpv6(allGood[i])).toBe(true, allGood[i]);
    for (let i = 0; i < allBad.length; ++i) expect(isIpv6(allBad[i])).toBe(false, allBad[i]);
  });
});
