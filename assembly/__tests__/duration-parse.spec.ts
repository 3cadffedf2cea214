import { Duration } from "../time";

/** Milliseconds, or -1 for what is no duration. */
function parsed(text: string): i64 {
  const duration = Duration.parse(text);
  return duration === null ? -1 : duration.milliseconds;
}

describe("Duration.parse", () => {
  test("reads durations", () => {
    const texts = ["60s", "1h30m", "500ms", "1m", "0s", "1h1m1s1ms", "99999h", "10s10s"];
    const milliseconds: i64[] = [60_000, 5_400_000, 500, 60_000, 0, 3_661_001, 359_996_400_000, 20_000];
    for (let i = 0; i < texts.length; ++i) expect(parsed(texts[i])).toBe(milliseconds[i], texts[i]);
  });

  test("refuses what is none", () => {
    const texts = [
      "",
      "60",
      "s",
      "1.5s",
      "-1s",
      "1 s",
      " 1s",
      "1s ",
      "1d",
      "100000s",
      "1ss",
      "1h1m1s1ms1h",
      "1S",
      "١s",
    ];
    for (let i = 0; i < texts.length; ++i) expect(parsed(texts[i])).toBe(-1, texts[i]);
  });
});
