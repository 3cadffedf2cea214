import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { WindowSpec } from "../model/index.ts";
import { isOpen } from "./windows.ts";

const office: WindowSpec = { days: ["Mon", "Fri"], from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
const night: WindowSpec = { days: ["Fri"], from: "22:00", to: "04:00", timeZone: "UTC" };

describe("the windows of a rollout", () => {
  for (const [windows, time, open] of [
    [[], "2026-11-28T03:00:00Z", true],
    [[office], "2026-11-27T07:59:59Z", false],
    [[office], "2026-11-27T08:00:00Z", true],
    [[office], "2026-11-27T15:59:59Z", true],
    [[office], "2026-11-27T16:00:00Z", false],
    [[office], "2026-11-28T10:00:00Z", false],
    // Summer time.
    [[office], "2026-07-03T07:00:00Z", true],
    [[office], "2026-07-03T15:00:00Z", false],
    [[night], "2026-11-27T22:00:00Z", true],
    [[night], "2026-11-28T03:59:00Z", true],
    [[night], "2026-11-28T04:00:00Z", false],
    [[night], "2026-11-28T22:00:00Z", false],
    [[office, night], "2026-11-28T00:00:00Z", true],
  ] as const) {
    it(`${windows.map(({ timeZone }) => timeZone).join(" and ") || "none"} at ${time}: ${open ? "open" : "closed"}`, () => {
      assert.equal(isOpen(windows, Date.parse(time)), open);
    });
  }
});
