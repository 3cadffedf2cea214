import { Allocation, PLACES } from "../allocation";

function allocationOf(weights: u32[]): Allocation {
  const allocation = new Allocation();
  for (let i = 0; i < weights.length; ++i) allocation.add(i, weights[i]);
  return allocation;
}

describe("Allocation", () => {
  test("deals places out in ranges", () => {
    const allocation = allocationOf([1000, 0, 4000, 5000]);
    const places: u32[] = [0, 999, 1000, 4999, 5000, 9999];
    const variants = [0, 0, 2, 2, 3, 3];
    expect(allocation.size).toBe(PLACES);
    for (let i = 0; i < places.length; ++i) expect(allocation.at(places[i])).toBe(variants[i], `place ${places[i]}`);
  });

  test("gives exactly the weights", () => {
    const weights: u32[] = [1, 3333, 0, 6665, 1];
    const allocation = allocationOf(weights);
    const counts = [0, 0, 0, 0, 0];
    for (let place: u32 = 0; place < PLACES; ++place) ++counts[allocation.at(place)];
    for (let i = 0; i < counts.length; ++i) expect(<u32>counts[i]).toBe(weights[i]);
  });

  test("moves only keys of the neighbour when a range grows", () => {
    for (let grown: u32 = 1000; grown <= 10_000; grown += 500) {
      const before = allocationOf([grown - 500, 10_500 - grown]);
      const after = allocationOf([grown, 10_000 - grown]);
      let moved = 0;
      for (let place: u32 = 0; place < PLACES; ++place) {
        if (before.at(place) == after.at(place)) continue;
        ++moved;
        expect(after.at(place)).toBe(0);
      }
      expect(moved).toBe(500);
    }
  });

  test("takes several ranges of one variant", () => {
    // A control between two treatments, and behind them.
    const allocation = new Allocation();
    allocation.add(1, 1000);
    allocation.add(0, 4000);
    allocation.add(2, 1000);
    allocation.add(0, 4000);
    const places: u32[] = [999, 1000, 4999, 5000, 5999, 6000, 9999];
    const variants = [1, 0, 0, 2, 2, 0, 0];
    for (let i = 0; i < places.length; ++i) expect(allocation.at(places[i])).toBe(variants[i]);
  });

  test("answers for any place", () => {
    expect(new Allocation().at(0)).toBe(-1);
    expect(allocationOf([1, 1]).at(u32.MAX_VALUE)).toBe(1);
  });
});
