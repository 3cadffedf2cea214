import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { chiSquareTail } from "./tests.ts";
import { Dispersion } from "./dispersion.ts";

describe("the dispersion of groups", () => {
  it("is Pearson's statistic over its degrees of freedom", () => {
    const groups = [3, 5, 9, 2, 6, 11, 4, 8, 7, 5, 6].map((of) => ({ of, all: 100 }));
    const one = new Dispersion();
    one.add(groups);
    // By hand: the mean is 6, the squared differences sum up to 70, over 6 is 11.667, over 10 degrees 1.1667.
    assert.ok(Math.abs((one.index ?? 0) - 70 / 6 / 10) < 1e-12);
    assert.ok(chiSquareTail(70 / 6, 10) > 0.2);
  });

  it("grows with bursts, and not with what all groups have in common", () => {
    const [bursts, common] = [new Dispersion(), new Dispersion()];
    for (let window = 0; window < 20; window++) {
      bursts.add([0, 1, 2, 3].map((group) => ({ of: group === window % 4 ? 5 : 0, all: 50 })));
      common.add([0, 1, 2, 3].map(() => ({ of: window % 5, all: 50 })));
    }
    assert.equal(bursts.index, 5);
    assert.equal(common.index, 0);
  });

  it("is unknown after few events, and of one group", () => {
    const one = new Dispersion();
    for (let window = 0; window < 20; window++)
      one.add([
        { of: 3, all: 10 },
        { of: 0, all: 0 },
      ]);
    one.add([0, 0].map((of) => ({ of, all: 10 })));
    one.add([1, 0].map((of) => ({ of, all: 10 })));
    assert.equal(one.index, undefined);
  });
});
