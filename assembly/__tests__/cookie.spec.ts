import { Bytes } from "../bytes";
import { SameSite, SetCookie, cookieValue } from "../cookie";
import { Duration } from "../time";

function cookieOf(header: string, name: string): string {
  const value = cookieValue(Bytes.utf8(header), Bytes.utf8(name));
  return value === null ? "(none)" : value.toString();
}

describe("cookieValue", () => {
  test("finds a cookie", () => {
    expect(cookieOf("a=1", "a")).toBe("1");
    expect(cookieOf("a=1; b=2; c=3", "b")).toBe("2");
    expect(cookieOf("a=1;b=2;c=3", "c")).toBe("3");
    expect(cookieOf("  a = 1 ;\tb\t=\t2", "b")).toBe("2");
  });

  test("takes the first of a name, and what stands behind the first =", () => {
    expect(cookieOf("a=1; a=2", "a")).toBe("1");
    expect(cookieOf("a=b=c==", "a")).toBe("b=c==");
    expect(cookieOf('a="x y"', "a")).toBe('"x y"');
  });

  test("knows empty from absent", () => {
    expect(cookieOf("a=", "a")).toBe("");
    expect(cookieOf("a=; b", "b")).toBe("(none)");
  });

  test("passes over what is no cookie", () => {
    const headers = ["", "a", ";", ";;;", "=", "=a", "; a", "a;", "b; c; d", " ", "a ; =a"];
    for (let i = 0; i < headers.length; ++i) expect(cookieOf(headers[i], "a")).toBe("(none)", headers[i]);
    expect(cookieOf("session; a=1", "a")).toBe("1");
    expect(cookieOf(";;a=1", "a")).toBe("1");
  });

  test("compares whole names with regard to case", () => {
    expect(cookieOf("ab=1; xa=2; A=3", "a")).toBe("(none)");
  });
});

describe("SetCookie", () => {
  test("writes the examples of RFC 6265, section 3.1", () => {
    const sid = new SetCookie("SID", "31d4d96e407aad42");
    expect(sid.toString()).toBe("SID=31d4d96e407aad42");
    sid.path = "/";
    sid.domain = "example.com";
    expect(sid.toString()).toBe("SID=31d4d96e407aad42; Domain=example.com; Path=/");
    sid.domain = "";
    sid.secure = true;
    sid.httpOnly = true;
    expect(sid.toString()).toBe("SID=31d4d96e407aad42; Path=/; Secure; HttpOnly");
    expect(sid.error === null).toBe(true);
  });

  test("lasts so many seconds, and none to be deleted", () => {
    const cookie = new SetCookie("a", "");
    cookie.maxAge = Duration.milliseconds(3_600_999);
    cookie.sameSite = SameSite.Lax;
    expect(cookie.toString()).toBe("a=; Max-Age=3600; SameSite=Lax");
    cookie.maxAge = Duration.seconds(-1);
    cookie.sameSite = SameSite.Strict;
    expect(cookie.toString()).toBe("a=; Max-Age=0; SameSite=Strict");
  });

  test("says what is wrong with a name or a value", () => {
    const names = ["", "a b", "a=b", "a;b", "é", "a\n", '"a"', "a,b"];
    for (let i = 0; i < names.length; ++i) expect(startOf(new SetCookie(names[i], "v"))).toBe("name", names[i]);
    const values = ["a b", "a;b", "a,b", 'a"b', '"', "a\\b", "é", "a\r\nset-cookie: b=c", "\0"];
    for (let i = 0; i < values.length; ++i) expect(startOf(new SetCookie("n", values[i]))).toBe("value", values[i]);
    const good = ["", "a", '"a"', '""', "a=b==", "!#$%&'()*+-./:<>?@[]^_`{|}~"];
    for (let i = 0; i < good.length; ++i) expect(startOf(new SetCookie("n", good[i]))).toBe("", good[i]);
    expect(new SetCookie("n", "x".repeat(4096)).error !== null).toBe(true);
  });

  test("says what attributes do not go together", () => {
    const cookie = new SetCookie("a", "b");
    cookie.sameSite = SameSite.None;
    expect(startOf(cookie)).toBe("secure");
    cookie.secure = true;
    expect(startOf(cookie)).toBe("");
    cookie.path = "a";
    expect(startOf(cookie)).toBe("path");
    cookie.path = "/;x";
    expect(startOf(cookie)).toBe("path");
    cookie.path = "/";
    cookie.domain = "a;b";
    expect(startOf(cookie)).toBe("domain");
  });

  test("keeps what the prefixes of names promise", () => {
    expect(startOf(new SetCookie("__Secure-a", "b"))).toBe("secure");
    const host = new SetCookie("__HOST-a", "b");
    expect(startOf(host)).toBe("secure");
    host.secure = true;
    expect(startOf(host)).toBe("path");
    host.path = "/";
    expect(startOf(host)).toBe("");
    host.domain = "example.com";
    expect(startOf(host)).toBe("path");
  });
});

/** The part that is wrong, or nothing. */
function startOf(cookie: SetCookie): string {
  const error = cookie.error;
  return error === null ? "" : error.split(":")[0];
}
