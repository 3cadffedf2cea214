import assert from "node:assert/strict";
import { test } from "node:test";
import { Envoys, statusOf, type Request } from "../testing/filter.ts";

// Many limits and overrides are found by what a request has. A list of one is evaluated as it stands, so it tells what is right.

const envoys = new Envoys("ratelimit");

const matches: object[] = [
  {},
  { path: { exact: "/a" } },
  { path: { exact: "/a/b" } },
  { path: { prefix: "/a" } },
  { path: { prefix: "/a/" } },
  { path: { prefix: "/a/b/c" } },
  { path: { suffix: "/b" } },
  { path: { regex: "/[ab]" } },
  { methods: ["GET", "PUT"] },
  { headers: [{ name: "x-plan", exact: "free" }] },
  { headers: [{ name: "X-Plan", exact: "gold" }] },
  { headers: [{ name: "x-plan", present: false }] },
  { headers: [{ name: "x-plan", prefix: "g" }] },
  { headers: [{ name: "x-other", exact: "gold" }] },
  { path: { prefix: "/a" }, headers: [{ name: "x-plan", exact: "gold" }], methods: ["POST"] },
  { cookies: [{ name: "beta", exact: "1" }] },
  { cookies: [{ name: "beta", exact: "2" }] },
  { values: [{ value: { query: "q" }, exact: "1" }] },
  { values: [{ value: { host: {} }, exact: "shop.example" }] },
  { values: [{ value: { routeName: {} }, exact: "login" }] },
  { values: [{ value: { header: "x-plan" }, exact: "gold" }] },
  { clientAddress: { ranges: ["192.0.2.0/24"] } },
  // As many of one form that a call of the host pays.
  ...Array.from({ length: 12 }, (_, i) => ({ values: [{ value: { routeName: {} }, exact: `route-${String(i)}` }] })),
];

const requests: Request[] = [
  {},
  { path: "/a" },
  { path: "/a/b?q=1" },
  { path: "/x/../a/b/c/d" },
  { path: "/a/b", method: "POST", headers: [["x-plan", "gold"]] },
  { path: "/b?q=%31", headers: [["x-plan", "free"]] },
  // The second value of a header is one, too.
  {
    headers: [
      ["x-plan", "free"],
      ["x-plan", "gold"],
      ["x-plan", "gold"],
    ],
  },
  { headers: [["x-other", "gold"]] },
  { headers: [["cookie", "beta=2; beta=1"]] },
  { headers: [["cookie", "beta=1"]] },
  { authority: "SHOP.example.:443" },
  { properties: { "xds.route_name": "login" } },
  { properties: { "xds.route_name": "route-7" }, from: "192.0.2.9:1" },
];

const nameOf = (index: number): string => `l${String(index)}`;
const bucket = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "1s" });

/** For each request the numbers of the limits that are for it. */
async function applying(numbers: readonly number[]): Promise<string[][]> {
  const envoy = await envoys.start();
  const limits = numbers.map((index) => ({ name: nameOf(index), match: matches[index], unlimited: {} }));
  const worker = await envoy.worker({ limits });
  const counts = (): number[] => numbers.map((index) => envoy.metric(`ratelimit.${nameOf(index)}.unlimited`));
  return requests.map((request) => {
    const before = counts();
    worker.send(request);
    return counts().flatMap((count, i) =>
      Array.from({ length: count - (before[i] ?? 0) }, () => nameOf(numbers[i] ?? -1)),
    );
  });
}

test("of many limits those are for a request that would be alone, each once", async () => {
  const all = matches.map((_, index) => index);
  const alone = await Promise.all(all.map((index) => applying([index])));
  const expected = requests.map((_, request) => alone.flatMap((of) => of[request] ?? []));
  assert.deepEqual(await applying(all), expected);
  // Each of them is for some request, or the table would say nothing of it.
  const met = new Set(expected.flat());
  assert.deepEqual(
    all.slice(0, 22).filter((index) => !met.has(nameOf(index))),
    [],
  );
});

test("of many overrides the first that a request fits is its rate, and of many exceptions one is enough", async () => {
  const own = matches.slice(1);
  const alone = await Promise.all(own.map((_, index) => applying([index + 1])));
  const envoy = await envoys.start();
  const overrides = own.map((match, index) => ({ name: nameOf(index), match, tokenBucket: bucket(index + 1) }));
  const worker = await envoy.worker({
    limits: [
      { name: "rates", tokenBucket: bucket(1000), overrides },
      { name: "excepted", tokenBucket: bucket(1_000_000), except: own },
    ],
  });
  requests.forEach((request, number) => {
    const first = alone.findIndex((of) => (of[number] ?? []).length > 0);
    const before = envoy.metric("ratelimit.excepted.unlimited");
    const limit = worker.send(request).response.headers?.get("x-ratelimit-limit");
    assert.equal(limit, String(first < 0 ? 1000 : first + 1), JSON.stringify(request));
    assert.equal(envoy.metric("ratelimit.excepted.unlimited") - before, first < 0 ? 0 : 1);
  });
});

test("a thousand limits refuse the requests that they are for", async () => {
  const envoy = await envoys.start();
  const limits = Array.from({ length: 1000 }, (_, index) => ({
    name: nameOf(index),
    match: { headers: [{ name: "x-user", exact: nameOf(index) }] },
    tokenBucket: { maxTokens: 1, fillInterval: "60s" },
  }));
  const worker = await envoy.worker({ limits });
  const statusFor = (user: string): number => statusOf(worker.send({ headers: [["x-user", user]] }));
  for (const user of ["l0", "l999", "l500"]) assert.deepEqual([statusFor(user), statusFor(user)], [200, 429]);
  assert.deepEqual([statusFor("other"), statusFor("other")], [200, 200]);
});
