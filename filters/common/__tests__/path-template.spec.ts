import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { PathTemplate } from "../path-template";

function matches(template: string, path: string): bool {
  const parsed = PathTemplate.parse(template);
  return parsed !== null && parsed.matches(Bytes.utf8(path));
}

describe("PathTemplate", () => {
  test("is text, or names in braces as whole segments", () => {
    const good = ["/a", "/a/", "/{id}", "/{*}/b", "/{**}", "/a/{**}/b", "/é", "/{a_1}"];
    for (let i = 0; i < good.length; ++i) expect(PathTemplate.parse(good[i]) !== null).toBe(true, good[i]);
    const bad = ["", "a", "/", "//a", "/a//b", "/a{b}", "/{}", "/{a-b}", "/{**}/{**}", "/../a", "/%61", "/a?b", "/*"];
    for (let i = 0; i < bad.length; ++i) expect(PathTemplate.parse(bad[i]) === null).toBe(true, bad[i]);
  });

  test("matches segment by segment", () => {
    expect(matches("/a/{id}", "/a/b")).toBe(true);
    expect(matches("/a/{id}", "/a/")).toBe(false);
    expect(matches("/a/{id}", "/a/b/")).toBe(false);
    expect(matches("/a/{id}", "/a/b/c")).toBe(false);
    expect(matches("/a/", "/a")).toBe(false);
    expect(matches("/a/", "/a/")).toBe(true);
    expect(matches("/a", "/ab")).toBe(false);
    expect(matches("/a", "")).toBe(false);
  });

  test("takes any number of segments for {**}", () => {
    expect(matches("/a/{**}", "/a")).toBe(false);
    expect(matches("/a/{**}", "/a/")).toBe(true);
    expect(matches("/a/{**}", "/a/b/c")).toBe(true);
    expect(matches("/{**}", "/")).toBe(true);
    expect(matches("/a/{**}/b", "/a/b")).toBe(true);
    expect(matches("/a/{**}/b", "/a/x/y/b")).toBe(true);
    expect(matches("/a/{**}/b", "/a/x/y")).toBe(false);
    expect(matches("/a/{**}/b", "/a")).toBe(false);
    expect(matches("/a/{**}/a/{id}", "/a/1")).toBe(false);
  });

  test("gives a segment by its name", () => {
    const template = PathTemplate.parse("/a/{**}/b/{id}/{*}") as PathTemplate;
    const path = Bytes.utf8("/a/x/y/b/seven/z");
    expect(template.indexOf("nobody")).toBe(-1);
    expect(template.indexOf("*")).toBe(-1);
    expect(template.matches(path, template.indexOf("id"))).toBe(true);
    expect(template.captured(path).toString()).toBe("seven");
  });
});
