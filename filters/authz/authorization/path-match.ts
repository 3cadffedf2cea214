import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { RequestPath, readRequestPath } from "./request-path";
import { hasAt, sameBytes } from "../text";

enum PathTest {
  Exact,
  Prefix,
  Suffix,
}

/** The fields that stand for the tests, in their order. */
const PATH_TESTS: string[] = ["exact", "prefix", "suffix"];

/** A condition on the path. What the configuration says is read like a path of a request. */
@final
export class PathMatch {
  private test: PathTest;
  private expected: Uint8Array;

  constructor(object: ConfigObject) {
    const index = object.alternative(PATH_TESTS);
    const test: PathTest = max(index, 0);
    const text = index < 0 ? "" : object.string(PATH_TESTS[test]);
    let expected = Bytes.utf8(text);
    if (test == PathTest.Suffix) {
      if (hasEscape(text)) object.error("suffix", "text without %, ?, #, ; and backslash");
    } else if (text.length) {
      const path = readRequestPath(expected);
      if (path === null || path.path !== path.bare || hasQuery(text)) {
        object.error(PATH_TESTS[test], 'a path that begins with "/" and has no query, no ";" and nothing ambiguous');
      } else {
        expected = path.path;
      }
    }
    // A prefix goes by whole segments, so its last slash says nothing; "/" becomes the empty text, the prefix of all.
    if (test == PathTest.Prefix && expected.size && expected[expected.size - 1] == 0x2f) {
      expected = expected.slice(0, expected.size - 1);
    }
    this.test = test;
    this.expected = expected.copy();
  }

  matches(path: Bytes): bool {
    const expected = this.expected;
    const size = expected.length;
    if (path.size < size) return false;
    switch (this.test) {
      case PathTest.Exact:
        return sameBytes(path, expected);
      case PathTest.Prefix:
        return hasAt(path, 0, expected) && (path.size == size || path[size] == 0x2f);
      default:
        return hasAt(path, path.size - size, expected);
    }
  }
}

/** Whether one of the conditions holds: for `allow` however the path's parameters are read, for `deny` in either reading. */
export function anyPathMatches(matches: PathMatch[], path: RequestPath, allow: bool): bool {
  const first = anyMatches(matches, path.path);
  if (path.path === path.bare || first != allow) return first;
  return anyMatches(matches, path.bare);
}

function anyMatches(matches: PathMatch[], path: Bytes): bool {
  for (let i = 0; i < matches.length; ++i) {
    if (unchecked(matches[i]).matches(path)) return true;
  }
  return false;
}

function hasQuery(text: string): bool {
  return text.includes("?") || text.includes("#");
}

function hasEscape(text: string): bool {
  return hasQuery(text) || text.includes("%") || text.includes(";") || text.includes("\\");
}
