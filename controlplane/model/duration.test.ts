import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { durationMilliseconds } from "./duration.ts";

describe("durationMilliseconds", () => {
  const cases: [text: string, milliseconds: number][] = [
    ["0s", 0],
    ["250ms", 250],
    ["2s", 2000],
    ["1m30s", 90_000],
    ["1h1m1s1ms", 3_661_001],
    ["10s5s", 15_000],
  ];
  for (const [text, milliseconds] of cases) it(text, () => assert.equal(durationMilliseconds(text), milliseconds));
});
