import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../setup/paths.mjs";
import { logLinesIn } from "./support/log-lines.ts";

const page = readFileSync(join(root, "docs", "reference", "logs.md"), "utf8");
const lines = [
  ...new Set(logLinesIn(join(root, "controlplane")).map(({ level, message }) => `${level}: ${message}`)),
].sort();

describe("docs/reference/logs.md", () => {
  it("has every line that the control plane may write, with its level, and no other", () => {
    const rows = [...page.matchAll(/^\| ([a-z ]+?) +\| `([^`]+)` +\|/gm)];
    assert.deepEqual([...new Set(rows.map(([, level = "", message = ""]) => `${level}: ${message}`))].sort(), lines);
  });

  it("is told apart from the code by more than what differs from time to time", () => {
    for (const line of lines) assert.match(line.slice(line.indexOf(":") + 1), /[A-Za-z]{3}/, line);
  });
});
