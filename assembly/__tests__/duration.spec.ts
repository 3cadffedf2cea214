import { Duration } from "../time";

function nanoseconds(duration: Duration): i64 {
  return duration.nanoseconds;
}

describe("Duration", () => {
  test("is made from each unit", () => {
    expect(nanoseconds(Duration.nanoseconds(7))).toBe(7);
    expect(nanoseconds(Duration.microseconds(7))).toBe(7_000);
    expect(nanoseconds(Duration.milliseconds(7))).toBe(7_000_000);
    expect(nanoseconds(Duration.seconds(7))).toBe(7_000_000_000);
    expect(nanoseconds(Duration.minutes(7))).toBe(420_000_000_000);
    expect(nanoseconds(Duration.hours(-7))).toBe(-25_200_000_000_000);
    expect(nanoseconds(Duration.ZERO)).toBe(0);
  });

  test("reads in each unit, whole", () => {
    const duration = Duration.nanoseconds(3_723_004_005_006);
    expect(duration.hours).toBe(1);
    expect(duration.minutes).toBe(62);
    expect(duration.seconds).toBe(3723);
    expect(duration.milliseconds).toBe(3_723_004);
    expect(duration.microseconds).toBe(3_723_004_005);
  });

  test("does not wrap", () => {
    expect(nanoseconds(Duration.hours(i64.MAX_VALUE))).toBe(i64.MAX_VALUE);
    expect(nanoseconds(Duration.hours(i64.MIN_VALUE))).toBe(-i64.MAX_VALUE);
    expect(nanoseconds(Duration.seconds(9_223_372_036))).toBe(9_223_372_036_000_000_000);
    expect(nanoseconds(Duration.seconds(9_223_372_037))).toBe(i64.MAX_VALUE);
    const longest = Duration.nanoseconds(i64.MAX_VALUE);
    expect(nanoseconds(longest.plus(Duration.nanoseconds(1)))).toBe(i64.MAX_VALUE);
    expect(nanoseconds(Duration.nanoseconds(-i64.MAX_VALUE).plus(Duration.seconds(-1)))).toBe(-i64.MAX_VALUE);
    expect(nanoseconds(longest.plus(Duration.nanoseconds(-i64.MAX_VALUE)))).toBe(0);
  });

  test("compares and adds", () => {
    expect(Duration.seconds(1).compare(Duration.milliseconds(1000))).toBe(0);
    expect(Duration.seconds(-1).compare(Duration.ZERO)).toBeLessThan(0);
    expect(Duration.nanoseconds(i64.MAX_VALUE).compare(Duration.nanoseconds(i64.MIN_VALUE))).toBeGreaterThan(0);
    expect(nanoseconds(Duration.seconds(1).plus(Duration.milliseconds(-250)))).toBe(750_000_000);
  });

  test("rounds up for the host, within what it takes", () => {
    expect(Duration.nanoseconds(1).hostMilliseconds).toBe(1);
    expect(Duration.milliseconds(20).hostMilliseconds).toBe(20);
    expect(Duration.nanoseconds(20_000_001).hostMilliseconds).toBe(21);
    expect(Duration.ZERO.hostMilliseconds).toBe(0);
    expect(Duration.seconds(-1).hostMilliseconds).toBe(0);
    expect(Duration.hours(1_000_000).hostMilliseconds).toBe(<u32>i32.MAX_VALUE);
    expect(Duration.nanoseconds(i64.MAX_VALUE).hostMilliseconds).toBe(<u32>i32.MAX_VALUE);
  });
});
