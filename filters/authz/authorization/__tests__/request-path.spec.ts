import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { readRequestPath } from "../request-path";

/** The path as rules see it, with what it is without parameters behind a bar where that differs. */
function read(target: string): string {
  const result = readRequestPath(Bytes.utf8(target));
  if (result === null) return "refused";
  const path = result.path.toString();
  const bare = result.bare.toString();
  return path == bare ? path : `${path}|${bare}`;
}

describe("the path of a request", () => {
  test("stays as it is where there is nothing to do", () => {
    const paths: string[] = ["/", "/a", "/a/", "/a.b/c..d/...", "/a-b_c~d", "/a:b@c!$&'()*+,=", "/é", "/a b"];
    for (let i = 0; i < paths.length; ++i) expect(read(paths[i])).toBe(paths[i]);
  });

  test("loses query and fragment", () => {
    expect(read("/a?b/../c")).toBe("/a");
    expect(read("/a#b")).toBe("/a");
    expect(read("/?")).toBe("/");
    expect(read("/a?%zz\\")).toBe("/a");
  });

  test("is decoded", () => {
    expect(read("/%61%2Db")).toBe("/a-b");
    expect(read("/%c3%A9")).toBe("/é");
    expect(read("/a%20%3F%23b")).toBe("/a ?#b");
    expect(read("/100%25")).toBe("/100%");
    expect(read("/%25/%2541x")).toBe("refused");
    expect(read("/%25g")).toBe("/%g");
  });

  test("is resolved", () => {
    const cases: string[][] = [
      ["/.", "/"],
      ["/./", "/"],
      ["/a/.", "/a/"],
      ["/a/./b", "/a/b"],
      ["/a/%2e/b", "/a/b"],
      ["/a/.../b", "/a/.../b"],
      ["/a/..b", "/a/..b"],
    ];
    for (let i = 0; i < cases.length; ++i) expect(read(cases[i][0])).toBe(cases[i][1]);
  });

  test("is refused with .., which some servers resolve and others route as it stands", () => {
    const paths: string[] = [
      "/..",
      "/a/..",
      "/a/../b",
      "/a/b/../../../c",
      "/a/%2e%2E/b",
      "/a/.%2e/b",
      "/a/..//b",
      "/a//../b",
      "/a;b/../c",
    ];
    for (let i = 0; i < paths.length; ++i) expect(read(paths[i])).toBe("refused", paths[i]);
  });

  test("has its slashes merged", () => {
    expect(read("//")).toBe("/");
    expect(read("//a///b//")).toBe("/a/b/");
    expect(read("//a/../b")).toBe("refused");
    expect(read("/a//./b")).toBe("/a/b");
  });

  test("is seen without parameters, too", () => {
    expect(read("/a;b")).toBe("/a;b|/a");
    expect(read("/a;b=c;d/e;f")).toBe("/a;b=c;d/e;f|/a/e");
    expect(read("/a%3Bb/c")).toBe("/a;b/c|/a/c");
    expect(read("/a/..;/b")).toBe("refused");
    expect(read("/a/.;x/b")).toBe("refused");
    expect(read("/;a/b")).toBe("refused");
    expect(read("/a/;/../b")).toBe("refused");
  });

  test("is refused where it has no one meaning", () => {
    const targets: string[] = [
      "",
      "*",
      "a",
      "?",
      "a.example:443",
      "http://a/b",
      "\\a",
      "/\\a",
      "/a\\..\\b",
      "/\t",
      "/\x7f",
      "/\0",
    ];
    const escapes: string[] = [
      "/%",
      "/%4",
      "/%4g",
      "/%zz",
      "/%00",
      "/%2f",
      "/%2F",
      "/%5c",
      "/%252e",
      "/%25%32%65",
      "/%u0041",
    ];
    const all = targets.concat(escapes);
    for (let i = 0; i < all.length; ++i) expect(read(all[i])).toBe("refused", all[i]);
  });
});
