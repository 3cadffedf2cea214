import { Bytes } from "../bytes";
import { EscapedSlashes, PathNormalizer, PathVerdict, normalizePath } from "../path";

function strict(target: string): string {
  return normalizePath(Bytes.utf8(target)).toString();
}

describe("normalizePath", () => {
  test("leaves a normal path alone", () => {
    const paths = ["/", "/a", "/a/", "/a.b/c..d/...", "/a/b;c=1,2", "*", "", "a/../b", "/%2F", "/a%2fb"];
    const normal = ["/", "/a", "/a/", "/a.b/c..d/...", "/a/b;c=1,2", "*", "", "a/../b", "/%2F", "/a%2Fb"];
    for (let i = 0; i < paths.length; ++i) expect(strict(paths[i])).toBe(normal[i], paths[i]);
  });

  test("cuts query and fragment", () => {
    expect(strict("/a?b=/../c")).toBe("/a");
    expect(strict("/a#b?c")).toBe("/a");
    expect(strict("/a/?")).toBe("/a/");
    expect(strict("?a")).toBe("");
  });

  test("resolves dot segments", () => {
    const paths = [
      "/.",
      "/..",
      "/./a",
      "/../a",
      "/a/.",
      "/a/..",
      "/a/./b",
      "/a/../b",
      "/a/b/../../../c",
      "/a/b/..",
      "/.a/..b",
    ];
    const normal = ["/", "/", "/a", "/a", "/a/", "/", "/a/b", "/b", "/c", "/a/", "/.a/..b"];
    for (let i = 0; i < paths.length; ++i) expect(strict(paths[i])).toBe(normal[i], paths[i]);
  });

  test("merges slashes", () => {
    const paths = ["//", "//a", "/a//b", "/a///", "\\a\\b", "/a\\..\\b", "/a//../b", "//../a"];
    const normal = ["/", "/a", "/a/b", "/a/", "/a/b", "/b", "/b", "/a"];
    for (let i = 0; i < paths.length; ++i) expect(strict(paths[i])).toBe(normal[i], paths[i]);
  });

  test("decodes what need not be escaped, and only that", () => {
    const paths = [
      "/%61%7a%41%30",
      "/%2e%2E/a",
      "/a/%2e%2e/b",
      "/%7Ea",
      "/%2f%5c",
      "/%25%36%31",
      "/%e4%BD%a0",
      "/%41%",
    ];
    const normal = ["/azA0", "/a", "/b", "/~a", "/%2F%5C", "/%2561", "/%E4%BD%A0", "/A%"];
    for (let i = 0; i < paths.length; ++i) expect(strict(paths[i])).toBe(normal[i], paths[i]);
  });

  test("keeps a malformed escape as it is", () => {
    const paths = ["/%", "/%4", "/%zz", "/%4g", "/%%41", "/%4%41", "/a%/../b"];
    const normal = ["/%", "/%4", "/%zz", "/%4g", "/%A", "/%254A", "/b"];
    for (let i = 0; i < paths.length; ++i) expect(strict(paths[i])).toBe(normal[i], paths[i]);
  });

  test("decodes nothing twice: what is normal stays as it is", () => {
    const paths = ["/%%41", "/%4%41", "/%%34%31", "/%%341", "/%2%35%32%46", "/a/%2%65/..%2e", "/%25%32e"];
    for (let i = 0; i < paths.length; ++i) expect(strict(strict(paths[i]))).toBe(strict(paths[i]), paths[i]);
  });
});

/** The path, `400`, or the path behind `307`. */
function enacted(normalizer: PathNormalizer, target: string): string {
  const verdict = normalizer.normalize(Bytes.utf8(target));
  if (verdict == PathVerdict.Reject) return "400";
  const path = normalizer.path.toString();
  return verdict == PathVerdict.Redirect ? `307 ${path}` : path;
}

// Each as Envoy 1.40 answered it; test/path.test.ts asks again, and more.
describe("PathNormalizer", () => {
  test("normalize_path", () => {
    const normalizer = new PathNormalizer();
    const cases: string[][] = [
      ["/a/../b", "/b"],
      ["/a//../b", "/a/b"],
      ["/a/..//b", "//b"],
      ["/a/%2e%2E/b?x=/../y", "/b?x=/../y"],
      ["/a\\b\\..\\c", "/a/c"],
      ["/a%2f..%2fb", "/a%2f..%2fb"],
      ["/%41%7e%e4%BD", "/A~%e4%BD"],
      ['/a|b"<>^`{}', "/a%7Cb%22%3C%3E%5E%60%7B%7D"],
      ["/a/..;x=1/b", "/b"],
      ["/a/%2e%2e;/b", "/a/..;/b"],
      ["/a/...;/b", "/a/...;/b"],
      ["/%4%41", "/%254A"],
      ["/%%341", "/%2541"],
      ["/a%zz%", "/a%zz%"],
      ["/a%00b", "400"],
      ["/a?%00", "/a?%00"],
      ["*", "400"],
      ["", "400"],
    ];
    for (let i = 0; i < cases.length; ++i) expect(enacted(normalizer, cases[i][0])).toBe(cases[i][1], cases[i][0]);
  });

  test("merge_slashes", () => {
    const normalizer = new PathNormalizer(false, true);
    const targets = ["/", "//", "///", "/a//", "//a", "/a///b?c//d", "/a/.//b", "/a%2f%2fb"];
    const paths = ["/", "//", "//", "/a/", "/a", "/a/b?c//d", "/a/./b", "/a%2f%2fb"];
    for (let i = 0; i < targets.length; ++i) expect(enacted(normalizer, targets[i])).toBe(paths[i], targets[i]);
    expect(enacted(new PathNormalizer(true, true), "/a//../b//c")).toBe("/a/b/c");
  });

  test("path_with_escaped_slashes_action", () => {
    const reject = new PathNormalizer(false, false, EscapedSlashes.RejectRequest);
    const redirect = new PathNormalizer(true, false, EscapedSlashes.UnescapeAndRedirect);
    const forward = new PathNormalizer(true, true, EscapedSlashes.UnescapeAndForward);
    const targets = ["/a%2fb", "/a%5Cb", "/a/..%2fb?c%2f", "/a%252fb", "/a?%2f"];
    const redirected = ["307 /a/b", "307 /a/b", "307 /b?c%2f", "/a%252fb", "/a?%2f"];
    const forwarded = ["/a/b", "/a/b", "/b?c%2f", "/a%252fb", "/a?%2f"];
    const rejected = ["400", "400", "400", "/a%252fb", "/a?%2f"];
    for (let i = 0; i < targets.length; ++i) {
      expect(enacted(reject, targets[i])).toBe(rejected[i], targets[i]);
      expect(enacted(redirect, targets[i])).toBe(redirected[i], targets[i]);
      expect(enacted(forward, targets[i])).toBe(forwarded[i], targets[i]);
    }
  });
});
