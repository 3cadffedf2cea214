import assert from "node:assert/strict";
import { test } from "node:test";
import { Envoys, type Request } from "../testing/filter.ts";

const envoys = new Envoys("ab-routing");

const all = (name: string): object => ({ key: [{ cookie: "uid" }], variants: [{ name, weight: 10_000 }] });
const cookie = (value: string): Request => ({ headers: [["cookie", value]] });

test("a variant is told to the upstream, to the client, to logs and to metrics", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    experiments: [
      {
        name: "checkout",
        header: "X-Checkout",
        responseHeader: "x-checkout-variant",
        filterState: true,
        split: all("new"),
        default: "new",
      },
    ],
  });
  const stream = worker.send(cookie("uid=1"));
  assert.deepEqual(stream.request.headers?.getAll("x-checkout"), ["new"]);
  assert.deepEqual(stream.response.headers?.getAll("x-checkout-variant"), ["new"]);
  assert.equal(stream.filterState("ab.checkout"), "new");
  assert.equal(envoy.metric("ab.checkout.new"), 1);
});

test("nothing more is told than is asked for", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ experiments: [{ name: "a", header: "x-a", default: "off" }] });
  const stream = worker.send();
  assert.deepEqual(stream.request.headers?.getAll("x-a"), ["off"]);
  assert.equal(stream.filterState("ab.a"), undefined);
  assert.deepEqual(stream.response.headers?.entries(), [[":status", "200"]]);
});

test("a client's copy of the header never counts", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ experiments: [{ name: "a", header: "x-a", default: "off" }] });
  for (const copies of [["on"], ["on", "off"], ["off", "on"], ["off", "off"], [""], ["off "], ["OFF"]]) {
    const stream = worker.send({ headers: copies.map((value) => ["X-A", value] as const) });
    assert.deepEqual(stream.request.headers?.getAll("x-a"), ["off"], copies.join());
  }
  const same = worker.send({ headers: [["x-a", "off"]] });
  assert.deepEqual(same.request.headers?.getAll("x-a"), ["off"]);
});

test("several experiments tell their variants each in its own header", async () => {
  const envoy = await envoys.start();
  const experiments = ["a", "b", "c"].map((name) => ({ name, header: `x-${name}`, default: "off" }));
  const worker = await envoy.worker({ experiments });
  const stream = worker.send({ headers: [["x-b", "off"]] });
  for (const { header } of experiments) assert.deepEqual(stream.request.headers?.getAll(header), ["off"]);
});

test("rules are tried in order, then the split, then the default", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    experiments: [
      {
        name: "checkout",
        header: "x-checkout",
        rules: [
          { match: { headers: [{ name: "x-force", exact: "b" }] }, variant: "b" },
          { match: { headers: [{ name: "x-force", prefix: "c" }] }, variant: "c" },
          { match: { headers: [{ name: "x-force", present: true }] }, variant: "d" },
          { match: { cookies: [{ name: "beta", present: true }], path: { prefix: "/app" } }, variant: "b" },
        ],
        split: {
          key: [{ cookie: "uid" }, { header: "x-user" }],
          variants: [{ name: "a", weight: 10_000 }, ...["b", "c", "d", "off"].map((name) => ({ name, weight: 0 }))],
        },
        default: "off",
      },
    ],
  });
  const cases: [request: Request, variant: string][] = [
    [
      {
        headers: [
          ["x-force", "b"],
          ["cookie", "uid=1"],
        ],
      },
      "b",
    ],
    [{ headers: [["x-force", "cc"]] }, "c"],
    [
      {
        headers: [
          ["x-force", "x"],
          ["x-force", "b"],
        ],
      },
      "b",
    ],
    [{ headers: [["x-force", ""]] }, "d"],
    [{ path: "/app/1", headers: [["cookie", "beta="]] }, "b"],
    [{ path: "/", headers: [["cookie", "beta="]] }, "off"],
    [cookie("uid=1"), "a"],
    [{ headers: [["x-user", "1"]] }, "a"],
    [
      {
        headers: [
          ["cookie", "uid="],
          ["x-user", "1"],
        ],
      },
      "a",
    ],
    [
      {
        headers: [
          ["cookie", "uid="],
          ["x-user", ""],
        ],
      },
      "off",
    ],
    [cookie("uid"), "off"],
    [cookie("uid; uid=1"), "a"],
    [
      {
        headers: [
          ["cookie", "a=1"],
          ["cookie", "uid=1"],
        ],
      },
      "a",
    ],
    [{}, "off"],
  ];
  for (const [request, variant] of cases) {
    const stream = worker.send(request);
    assert.equal(stream.request.headers?.get("x-checkout"), variant, JSON.stringify(request));
  }
  const counted = Object.fromEntries(
    ["a", "b", "c", "d", "off"].map((name) => [name, envoy.metric(`ab.checkout.${name}`)]),
  );
  const wanted = Object.fromEntries(
    Object.keys(counted).map((name) => [name, cases.filter((one) => one[1] === name).length]),
  );
  assert.deepEqual(counted, wanted);
});

test("a key counts the same wherever it comes from", async () => {
  const envoy = await envoys.start();
  const variants = Array.from({ length: 10 }, (_, i) => ({ name: `v${i}`, weight: 1000 }));
  const split = { key: [{ cookie: "uid" }, { header: "x-user" }, { clientAddress: {} }], variants };
  const worker = await envoy.worker({ experiments: [{ name: "a", header: "x-a", default: "v0", split }] });
  const variantOf = (request: Request): string | undefined => worker.send(request).request.headers?.get("x-a");
  for (let i = 0; i < 50; i++) {
    const user = `10.0.0.${i}`;
    const byCookie = variantOf({ ...cookie(`uid=${user}`), from: "192.0.2.1:1" });
    assert.equal(variantOf({ headers: [["x-user", user]] }), byCookie);
    assert.equal(variantOf({ from: `${user}:${i + 1}` }), byCookie);
  }
});
