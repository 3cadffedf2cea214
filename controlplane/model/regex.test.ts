import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { regexFault } from "./regex.ts";

describe("regexFault", () => {
  for (const pattern of ["/items/[0-9]+", "(?i)caf\u00e9", "(?P<id>\\w+)", "[[:alpha:]]{2,40}", "\\Qa.b\\E"]) {
    it(`takes ${pattern}`, () => assert.equal(regexFault(pattern), undefined));
  }

  const refused: [pattern: string, fault: RegExp][] = [
    ["(?=a)", /^not a regular expression that Envoy \(RE2\) takes: .*\(\?=/],
    ["(a)\\1", /invalid escape sequence/],
    ["(a", /missing closing \)/],
    ["a{1001}", /invalid repeat count/],
    ["(a{100}){100}", /invalid repeat count|too large/],
    ["(?:[a-z]{40}x){2}".repeat(20), /too large/],
  ];
  for (const [pattern, fault] of refused) {
    it(`refuses ${pattern.slice(0, 40)}`, () => assert.match(regexFault(pattern) ?? "", fault));
  }
});
