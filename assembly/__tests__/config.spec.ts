import { Bytes } from "../bytes";
import { Config } from "../config";

function config(text: string): Config {
  return new Config(Bytes.utf8(text));
}

/** What `accept` finds, one message a line. It also goes to the log. */
function complaints(config: Config): string {
  config.accept();
  return config.messages.join("\n");
}

describe("Config", () => {
  test("reads fields of every type", () => {
    const root = config(
      '{"s":"a","e":"","i":-5,"n":1.5,"b":true,"w":"two","o":{"x":1},"l":[{"x":2}],"t":["a","b"]}',
    ).root;
    expect(root.string("s")).toBe("a");
    expect(root.stringOr("e", "absent")).toBe("");
    expect(root.integer("i", -5, 5)).toBe(-5);
    expect(root.number("n", 0, 2)).toBe(1.5);
    expect(root.boolOr("b", false)).toBe(true);
    expect(root.oneOf("w", ["one", "two"])).toBe(1);
    expect(root.object("o").integer("x", 0, 9)).toBe(1);
    expect(root.objects("l")[0].integer("x", 0, 9)).toBe(2);
    expect(root.strings("t").join()).toBe("a,b");
  });

  test("takes what is good", () => {
    const good = config('{"a":{"b":[{"c":1}]}}');
    good.root.object("a").objects("b")[0].integer("c", 1, 1);
    expect(good.accept()).toBe(true);
    expect(config("").accept()).toBe(true);
    expect(config("{}").accept()).toBe(true);
  });

  test("gives what was agreed where a field is left out", () => {
    const root = config("{}").root;
    expect(root.stringOr("a", "x")).toBe("x");
    expect(root.integerOr("a", 1, 2, 7)).toBe(7);
    expect(root.boolOr("a", true)).toBe(true);
    expect(root.oneOfOr("a", ["x", "y"], 1)).toBe(1);
    expect(root.objectOrNull("a") === null).toBe(true);
    expect(root.objectOrEmpty("a").stringOr("b", "c")).toBe("c");
    expect(root.objects("a").length).toBe(0);
    expect(root.strings("a").length).toBe(0);
  });

  test("names the field that is wrong", () => {
    const bad = config('{"rules":[{},{"limit":"5","mode":"x","name":"","on":1,"tags":["a",2],"share":2}]}');
    const rule = bad.root.objects("rules")[1];
    rule.integer("limit", 1, 10);
    rule.oneOf("mode", ["deny", "allow"]);
    rule.string("name");
    rule.boolOr("on", false);
    rule.strings("tags");
    rule.number("share", 0, 1);
    rule.object("match");
    expect(complaints(bad)).toBe(
      'rules[1].limit: expected an integer from 1 to 10, found string "5"\n' +
        'rules[1].mode: expected one of "deny", "allow", found string "x"\n' +
        'rules[1].name: expected a string that is not empty, found string ""\n' +
        "rules[1].on: expected true or false, found number 1\n" +
        "rules[1].tags[1]: expected a string that is not empty, found number 2\n" +
        "rules[1].share: expected a number from 0.0 to 1.0, found number 2\n" +
        "rules[1].match: expected an object, found nothing",
    );
  });

  test("names fields that nobody read", () => {
    const typo = config('{"limit":1,"limits":[{"burts":1}]}');
    typo.root.integer("limit", 0, 9);
    typo.root.objects("limits")[0].integerOr("burst", 0, 9, 0);
    expect(complaints(typo)).toBe("limits[0].burts: unknown field, expected one of burst");
    expect(complaints(config('{"a":1}'))).toBe("a: unknown field, expected no field");
  });

  test("takes an object whose names are data, however many there are", () => {
    const parts: string[] = [];
    for (let i = 0; i < 2000; ++i) parts.push(`"n${i}":${i}`);
    const many = config(`{"map":{${parts.join()}}}`);
    const map = many.root.object("map");
    const names = map.names();
    let sum: i64 = 0;
    for (let i = 0; i < names.length; ++i) sum += map.integer(names[i], 0, 5000);
    expect(sum).toBe(1_999_000);
    expect(complaints(many)).toBe("");
  });

  test("takes exactly one of several fields", () => {
    const root = config('{"a":{"exact":"x"},"b":{"exact":"x","prefix":"y"},"c":{}}');
    expect(root.root.object("a").alternative(["prefix", "exact"])).toBe(1);
    expect(root.root.object("b").alternative(["prefix", "exact"])).toBe(-1);
    expect(root.root.object("c").alternative(["prefix", "exact"])).toBe(-1);
    expect(complaints(root)).toBe(
      "b: expected exactly one of prefix, exact, found prefix and exact\n" +
        "c: expected exactly one of prefix, exact, found none of them",
    );
  });

  test("refuses what is no object, and what is no JSON", () => {
    expect(complaints(config("[]"))).toBe("configuration: expected an object, found array of 0");
    expect(complaints(config("{"))).toBe("configuration: line 1, column 2: expected a member name, found end of input");
    expect(complaints(config('{"a":1,"a":2}'))).toBe(
      'configuration: line 1, column 8: expected each member once, found ""a":2}"',
    );
  });

  test("takes errors of the filter's own", () => {
    const own = config('{"a":1}');
    own.root.error("a", "something else");
    own.error("b", "does not go with a");
    expect(own.accept()).toBe(false);
    expect(own.messages.join("\n")).toBe("a: expected something else, found number 1\nb: does not go with a");
  });
});
