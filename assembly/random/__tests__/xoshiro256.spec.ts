import { Xoshiro256 } from "../xoshiro256";

describe("Xoshiro256", () => {
  // As the reference program of the algorithm's authors prints them, and rand_xoshiro has them in its tests.
  test("gives the numbers of the state 1, 2, 3, 4", () => {
    const random = new Xoshiro256(0);
    random.setState(1, 2, 3, 4);
    const expected: u64[] = [
      11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600, 16172922978634559625,
      8476171486693032832, 10595114339597558777, 2904607092377533576,
    ];
    for (let i = 0; i < expected.length; ++i) expect(random.next()).toBe(expected[i]);
  });

  // SplitMix64 of 1234567 begins with these four numbers, which are the state then.
  test("is seeded by SplitMix64", () => {
    const seeded = new Xoshiro256(1234567);
    const given = new Xoshiro256(0);
    given.setState(6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431);
    for (let i = 0; i < 100; ++i) expect(seeded.next()).toBe(given.next());
  });

  test("begins anew with a seed", () => {
    const random = new Xoshiro256(7);
    const first = random.next();
    random.next();
    random.seed(7);
    expect(random.next()).toBe(first);
    expect(new Xoshiro256(8).next()).not.toBe(first);
  });

  test("stays below a bound, and reaches each number as often as another", () => {
    const random = new Xoshiro256(1);
    const counts = new StaticArray<i32>(5);
    for (let i = 0; i < 50_000; ++i) ++counts[random.below(5)];
    // Ten times the standard deviation of 10,000 is 894.
    for (let i = 0; i < 5; ++i) expect(abs(counts[i] - 10_000)).toBeLessThan(900);
  });

  test("is fair where a bound does not divide the range", () => {
    // 3 * 2^30: a plain modulus would give the lowest third half of all numbers.
    const random = new Xoshiro256(2);
    let low = 0;
    for (let i = 0; i < 30_000; ++i) if (random.below(0xc0000000) < 0x40000000) ++low;
    expect(abs(low - 10_000)).toBeLessThan(900);
  });

  test("takes the bounds 0, 1 and the highest", () => {
    const random = new Xoshiro256(3);
    for (let i = 0; i < 100; ++i) {
      expect(random.below(0)).toBe(0);
      expect(random.below(1)).toBe(0);
      expect(random.below(u32.MAX_VALUE)).toBeLessThan(u32.MAX_VALUE);
    }
  });

  test("gives fractions from 0 to 1", () => {
    const random = new Xoshiro256(4);
    let sum: f64 = 0;
    for (let i = 0; i < 10_000; ++i) {
      const value = random.float();
      expect(value >= 0 && value < 1).toBe(true);
      sum += value;
    }
    expect(abs(sum - 5000)).toBeLessThan(300);
  });
});
