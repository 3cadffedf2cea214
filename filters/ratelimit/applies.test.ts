import assert from "node:assert/strict";
import { test } from "node:test";
import { Envoys, statusOf, type Request, type Worker } from "../testing/filter.ts";

// Which requests a limit is for, and which of them share a bucket.

const envoys = new Envoys("ratelimit");

const perMinute = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "60s" });

async function start(configuration: unknown): Promise<Worker> {
  const envoy = await envoys.start();
  return envoy.worker(configuration);
}

/** Statuses of the same request sent again and again. */
function statuses(worker: Worker, count: number, request: Request = {}): number[] {
  return Array.from({ length: count }, () => statusOf(worker.send(request)));
}

const keyCases: [what: string, key: object[], same: [Request, Request][], different: [Request, Request][]][] = [
  [
    "two headers",
    [{ header: "x-a" }, { header: "X-B" }],
    [
      [
        {
          headers: [
            ["x-a", "1"],
            ["x-b", "2"],
          ],
        },
        {
          headers: [
            ["x-b", "2"],
            ["x-a", "1"],
          ],
        },
      ],
    ],
    [
      [
        {
          headers: [
            ["x-a", "1"],
            ["x-b", "23"],
          ],
        },
        {
          headers: [
            ["x-a", "12"],
            ["x-b", "3"],
          ],
        },
      ],
      [{ headers: [["x-a", "1"]] }, { headers: [["x-b", "1"]] }],
    ],
  ],
  [
    "the path in any spelling",
    [{ path: {} }],
    [
      [{ path: "/a/b?x=1" }, { path: "/a/b?y=2" }],
      [{ path: "/a/b" }, { path: "//a/./c/../%62" }],
    ],
    [[{ path: "/a" }, { path: "/A" }]],
  ],
  ["the method", [{ method: {} }], [[{ path: "/a" }, { path: "/b" }]], [[{ method: "GET" }, { method: "POST" }]]],
  [
    "the address without port",
    [{ clientAddress: {} }],
    [
      [{ from: "192.0.2.1:1" }, { from: "192.0.2.1:2" }],
      [{ from: "[2001:db8::1]:1" }, { from: "[2001:db8::1]:2" }],
    ],
    [[{ from: "192.0.2.1:1" }, { from: "192.0.2.2:1" }]],
  ],
  [
    "the second address from the right",
    [{ clientAddress: { xForwardedForPosition: 2 } }],
    [
      [
        { headers: [["x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.1"]] },
        { headers: [["x-forwarded-for", "192.0.2.7,10.0.0.9"]] },
      ],
    ],
    [
      [
        { headers: [["x-forwarded-for", "192.0.2.7, 10.0.0.1"]] },
        { headers: [["x-forwarded-for", "192.0.2.8, 10.0.0.1"]] },
      ],
      [
        { headers: [["x-forwarded-for", "10.0.0.1"]], from: "192.0.2.3:1" },
        { headers: [["x-forwarded-for", "10.0.0.1"]] },
      ],
    ],
  ],
  [
    "a cookie",
    [{ cookie: "sid" }],
    [
      [{ headers: [["cookie", "a=1; sid=x"]] }, { headers: [["cookie", "sid=x; b=2"]] }],
      [{ headers: [["cookie", "sid"]] }, {}],
    ],
    [[{ headers: [["cookie", "sid=x"]] }, { headers: [["cookie", "sid=y"]] }]],
  ],
  [
    "a constant",
    [{ constant: "all" }],
    [
      [
        { path: "/a", from: "192.0.2.1:1" },
        { path: "/b", from: "192.0.2.2:1" },
      ],
    ],
    [],
  ],
  [
    "the first value of a header",
    [{ header: "x-a" }],
    [
      [
        {
          headers: [
            ["x-a", "1"],
            ["x-a", "2"],
          ],
        },
        { headers: [["x-a", "1"]] },
      ],
    ],
    [],
  ],
];

for (const [what, key, same, different] of keyCases) {
  test(`a limit can be counted by ${what}`, async () => {
    const configuration = { limits: [{ name: "one", tokenBucket: perMinute(1), key }] };
    for (const [first, second] of same) {
      const worker = await start(configuration);
      assert.deepEqual([...statuses(worker, 1, first), ...statuses(worker, 1, second)], [200, 429]);
    }
    for (const [first, second] of different) {
      const worker = await start(configuration);
      assert.deepEqual([...statuses(worker, 1, first), ...statuses(worker, 1, second)], [200, 200]);
    }
  });
}

test("a missing part of the key counts as empty, or skips the limit", async () => {
  const limit = { name: "one", tokenBucket: perMinute(1), key: [{ header: "x-api-key" }] };
  const empty = await start({ limits: [limit] });
  assert.deepEqual(statuses(empty, 2), [200, 429]);
  assert.deepEqual(statuses(empty, 1, { headers: [["x-api-key", ""]] }), [429]);
  const skip = await start({ limits: [{ ...limit, missingKey: "skip" }] });
  assert.deepEqual(statuses(skip, 3), [200, 200, 200]);
  assert.deepEqual(statuses(skip, 2, { headers: [["x-api-key", ""]] }), [200, 429]);
});

const matchCases: [match: object, matching: Request, other: Request][] = [
  [{ path: { prefix: "/api" } }, { path: "//x/../%61pi/v1?q" }, { path: "/ap" }],
  [{ path: { exact: "/login" } }, { path: "/login?next=/" }, { path: "/login/" }],
  [{ path: { suffix: ".png" } }, { path: "/a.png" }, { path: "/a.png/b" }],
  [{ methods: ["POST", "PUT"] }, { method: "PUT" }, { method: "GET" }],
  [
    { headers: [{ name: "X-Plan", exact: "free" }] },
    {
      headers: [
        ["x-plan", "gold"],
        ["x-plan", "free"],
      ],
    },
    { headers: [["x-plan", "Free"]] },
  ],
  [{ headers: [{ name: "x-a", present: true }] }, { headers: [["x-a", ""]] }, {}],
  [{ headers: [{ name: "x-a", present: false }] }, {}, { headers: [["x-a", ""]] }],
  [
    {
      headers: [
        { name: ":authority", contains: "example" },
        { name: "x-a", prefix: "1" },
      ],
    },
    { headers: [["x-a", "12"]] },
    { headers: [["x-a", "21"]] },
  ],
  [{ cookies: [{ name: "beta", exact: "1" }] }, { headers: [["cookie", "beta=1"]] }, { headers: [["cookie", "beta"]] }],
  [{ path: { prefix: "/a" }, methods: ["GET"] }, { path: "/a" }, { path: "/a", method: "POST" }],
];

for (const [match, matching, other] of matchCases) {
  test(`a limit is only for what matches ${JSON.stringify(match)}`, async () => {
    const worker = await start({ limits: [{ name: "one", tokenBucket: perMinute(1), match }] });
    assert.deepEqual(statuses(worker, 3, other), [200, 200, 200]);
    assert.deepEqual(statuses(worker, 2, matching), [200, 429]);
  });
}
