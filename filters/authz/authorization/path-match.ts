import { Bytes, ConfigObject, Regex } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { readRegex } from "../../common/string-match";
import { Caller } from "../authentication/caller";
import { hasAt, sameBytes } from "../text";
import { Condition } from "./condition";
import { Key, KeyKind, hashBackwards, hashBytes } from "./key";
import { patternOf } from "./path-template";
import { readRequestPath } from "./request-path";
import { RequestView } from "./request-view";

enum PathTest {
  Exact,
  Prefix,
  Suffix,
  StartsWith,
  Regex,
  Template,
}

/** The fields that stand for the tests, in their order. */
const PATH_TESTS: string[] = ["exact", "prefix", "suffix", "startsWith", "regex", "template"];

/** A condition on the path. What the configuration says is read like a path of a request. */
@final
export class PathMatch {
  private test: PathTest;
  private expected: Uint8Array = new Uint8Array(0);
  private pattern: string = "";
  private regex: Regex | null = null;

  constructor(object: ConfigObject) {
    const index = object.alternative(PATH_TESTS);
    const test: PathTest = max(index, 0);
    const field = PATH_TESTS[test];
    const text = index < 0 ? "" : object.string(field);
    let expected = Bytes.utf8(text);
    if (test == PathTest.Regex) this.setPattern(object, field, text);
    else if (test == PathTest.Template) {
      if (text.length) this.setPattern(object, field, patternOf(object, field, text));
    } else if (test == PathTest.Suffix || test == PathTest.StartsWith) {
      if (hasEscape(text)) object.error(field, "text without %, ?, #, ; and backslash");
      if (test == PathTest.StartsWith && text.length && !isPlainStart(text)) {
        object.error(field, 'text that begins with "/" and has no empty or dot segment');
      }
    } else if (text.length) {
      const path = readRequestPath(expected);
      if (path === null || path.hasParameters || hasQuery(text)) {
        object.error(field, 'a path that begins with "/" and has no query, no ";" and nothing ambiguous');
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

  get key(): Key {
    const expected = Bytes.of(this.expected);
    switch (this.test) {
      case PathTest.Exact:
        return new Key(KeyKind.Path, hashBytes(KeyKind.Path, expected), expected.size);
      case PathTest.Prefix:
        return new Key(KeyKind.PathPrefix, hashBytes(KeyKind.PathPrefix, expected), expected.size);
      case PathTest.Suffix:
        return new Key(KeyKind.PathSuffix, hashBackwards(KeyKind.PathSuffix, expected), expected.size);
      case PathTest.StartsWith:
        return new Key(KeyKind.PathStart, hashBytes(KeyKind.PathStart, expected), expected.size);
      default:
        return Key.ofPattern(this.pattern);
    }
  }

  matches(path: Bytes): bool {
    const expected = this.expected;
    const size = expected.length;
    switch (this.test) {
      case PathTest.Exact:
        return sameBytes(path, expected);
      case PathTest.Prefix:
        return path.size >= size && hasAt(path, 0, expected) && (path.size == size || path[size] == 0x2f);
      case PathTest.Suffix:
        return path.size >= size && hasAt(path, path.size - size, expected);
      case PathTest.StartsWith:
        return path.size >= size && hasAt(path, 0, expected);
      default: {
        const regex = this.regex;
        return regex !== null && regex.matches(path);
      }
    }
  }

  private setPattern(object: ConfigObject, field: string, pattern: string): void {
    this.pattern = pattern;
    if (pattern.length) this.regex = readRegex(object, field, pattern);
  }
}

/** One of several paths: for a strict condition however the path's parameters are read, else in either reading. */
@final
export class PathsCondition extends Condition {
  private paths: PathMatch[] = [];

  constructor(object: ConfigObject) {
    super("paths");
    const paths = object.objects("paths");
    refuseEmpty(object, "paths", paths.length);
    for (let i = 0; i < paths.length; ++i) this.paths.push(new PathMatch(paths[i]));
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const path = request.path;
    const first = this.anyMatches(path.path);
    if (!path.hasParameters || first != strict) return first;
    return this.anyMatches(path.bare);
  }

  addKeys(keys: Key[]): bool {
    for (let i = 0; i < this.paths.length; ++i) keys.push(this.paths[i].key);
    return true;
  }

  private anyMatches(path: Bytes): bool {
    for (let i = 0; i < this.paths.length; ++i) {
      if (unchecked(this.paths[i]).matches(path)) return true;
    }
    return false;
  }
}

function hasQuery(text: string): bool {
  return text.includes("?") || text.includes("#");
}

function hasEscape(text: string): bool {
  return hasQuery(text) || text.includes("%") || text.includes(";") || text.includes("\\");
}

/** Whether paths in their one form can begin so. */
function isPlainStart(text: string): bool {
  return text.startsWith("/") && !text.includes("//") && !text.includes("/./") && !text.includes("/../");
}
