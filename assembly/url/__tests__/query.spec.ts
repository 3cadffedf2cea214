import { Bytes } from "../../bytes";
import { Query, QueryBuilder, removeQueryParameter, setQueryParameter } from "../query";
import { RequestTarget } from "../target";

/** The parameters as they are written, and decoded. */
function pairs(text: string): string {
  const query = Query.of(Bytes.utf8(text));
  const found: string[] = [];
  while (query.next()) found.push(`${query.name.toString()}:${query.value.toString()}`);
  return found.join(" ");
}

function got(text: string, name: string): string {
  const value = Query.of(Bytes.utf8(text)).get(name);
  return value === null ? "(none)" : value;
}

describe("Query", () => {
  test("goes from parameter to parameter as the URL Standard parses them", () => {
    const texts = ["", "a=1&b=2", "a", "a=", "=a", "=", "&&a=1&&", "a=b=c&d", "a=1&a=2", "a=%31&b+c=d"];
    const found = ["", "a:1 b:2", "a:", "a:", ":a", ":", "a:1", "a:b=c d:", "a:1 a:2", "a:%31 b+c:d"];
    for (let i = 0; i < texts.length; ++i) expect(pairs(texts[i])).toBe(found[i], texts[i]);
  });

  test("finds and decodes", () => {
    expect(got("a=1&b=2", "b")).toBe("2");
    expect(got("a=1&a=2", "a")).toBe("1");
    expect(got("a", "a")).toBe("");
    expect(got("ab=1&b=2", "a")).toBe("(none)");
    expect(got("%61=x", "a")).toBe("x");
    expect(got("a+b=1+2%2B3", "a b")).toBe("1 2+3");
    expect(got("a=%E4%BD%A0", "a")).toBe("你");
    expect(got("a=%ff", "a")).toBe("\ufffd");
    expect(got("a=%zz%", "a")).toBe("%zz%");
    expect(got("=1", "")).toBe("1");
  });

  test("finds every value of a name", () => {
    const query = Query.of(Bytes.utf8("a=1&b=2&%61=3&a"));
    expect(query.getAll("a").join("|")).toBe("1|3|");
    expect(query.getAll("c").length).toBe(0);
    expect(query.has("b")).toBe(true);
    expect(query.has("c")).toBe(false);
    expect(query.find(Bytes.utf8("a"))!.toString()).toBe("1");
    expect(query.findNext(Bytes.utf8("a"))!.toString()).toBe("3");
  });

  test("is that of a target", () => {
    expect(Query.ofTarget(Bytes.utf8("/a?b=1#c=2")).get("b")).toBe("1");
    expect(Query.ofTarget(Bytes.utf8("/a?b=1#c=2")).has("c")).toBe(false);
    expect(Query.ofTarget(Bytes.utf8("/a")).next()).toBe(false);
    expect(Query.ofTarget(Bytes.utf8("/a?")).next()).toBe(false);
  });
});

describe("QueryBuilder", () => {
  test("escapes, and what it writes is read back", () => {
    const builder = new QueryBuilder().append("a b", "1&2=3").append("", "é").append("c", "");
    expect(builder.bytes.toString()).toBe("a%20b=1%262%3D3&=%C3%A9&c=");
    expect(got(builder.bytes.toString(), "a b")).toBe("1&2=3");
    expect(builder.clear().append("x", "y").bytes.toString()).toBe("x=y");
  });
});

describe("setQueryParameter", () => {
  test("replaces the first of a name, drops the others, and leaves the rest as it is", () => {
    const targets = ["/", "/?", "/a?b=1", "/a?x=1&b=%20&x=2", "/a?%78=1", "/a?b#f", "/a#x=1", "/?x", "http://h/p?x=1"];
    const set = [
      "/?x=n%20v",
      "/?x=n%20v",
      "/a?b=1&x=n%20v",
      "/a?x=n%20v&b=%20",
      "/a?x=n%20v",
      "/a?b&x=n%20v#f",
      "/a?x=n%20v#x=1",
      "/?x=n%20v",
      "http://h/p?x=n%20v",
    ];
    const removed = ["/", "/?", "/a?b=1", "/a?b=%20", "/a", "/a?b#f", "/a#x=1", "/", "http://h/p"];
    for (let i = 0; i < targets.length; ++i) {
      const target = Bytes.utf8(targets[i]);
      expect(setQueryParameter(target, "x", "n v").toString()).toBe(set[i], targets[i]);
      expect(removeQueryParameter(target, "x").toString()).toBe(removed[i], targets[i]);
      expect(target.toString()).toBe(targets[i]);
    }
  });
});

function parts(target: string): string {
  const found = RequestTarget.of(Bytes.utf8(target));
  const authority = found.authority;
  const query = found.query;
  const fragment = found.fragment;
  const a = authority === null ? "-" : authority.toString();
  const q = query === null ? "-" : query.toString();
  const f = fragment === null ? "-" : fragment.toString();
  return `${a} ${found.path.toString()} ${q} ${f}`;
}

describe("RequestTarget", () => {
  test("has its parts", () => {
    const targets = ["/", "/a?b", "/a?", "/a#f?x", "/a?b?c#d#e", "*", "host:443", "", "?a", "#a", "/a://b?c"];
    const found = ["- / - -", "- /a b -", "- /a  -", "- /a - f?x", "- /a b?c d#e", "- * - -", "- host:443 - -"];
    const more = ["-  - -", "-  a -", "-  - a", "- /a://b c -"];
    const all = found.concat(more);
    for (let i = 0; i < targets.length; ++i) expect(parts(targets[i])).toBe(all[i], targets[i]);
  });

  test("may be in absolute form", () => {
    const targets = [
      "http://h/p?q",
      "https://h:1",
      "HTTP://h?q",
      "a+b.c-1://h/",
      "://h/",
      "1a://h/",
      "http:/h/",
      "h://",
    ];
    const found = [
      "h /p q -",
      "h:1  - -",
      "h  q -",
      "h / - -",
      "- ://h/ - -",
      "- 1a://h/ - -",
      "- http:/h/ - -",
      "  - -",
    ];
    for (let i = 0; i < targets.length; ++i) expect(parts(targets[i])).toBe(found[i], targets[i]);
  });
});
