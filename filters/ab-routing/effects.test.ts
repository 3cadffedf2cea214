import assert from "node:assert/strict";
import { test } from "node:test";
import { Envoys, statusOf, type Envoy, type Worker } from "../testing/filter.ts";

// What variants do to requests and responses, and what is measured of them.

const envoys = new Envoys("ab-routing");

async function start(effect: object, fields: object = {}): Promise<{ envoy: Envoy; worker: Worker }> {
  const envoy = await envoys.start();
  const experiment = { name: "a", header: "x-a", default: "new", effects: [{ variant: "new", ...effect }], ...fields };
  return { envoy, worker: await envoy.worker({ experiments: [experiment] }) };
}

test("headers are removed, set and added, of the request and of the response", async () => {
  const edits = {
    set: [{ name: "X-Set", value: "1" }],
    add: [{ name: "x-add", value: "2" }],
    remove: ["X-Remove"],
  };
  const { worker } = await start({ requestHeaders: edits, responseHeaders: edits });
  const stream = worker.send({
    headers: [
      ["x-set", "a"],
      ["x-set", "b"],
      ["x-add", "1"],
      ["x-remove", "1"],
      ["x-a", "new"],
    ],
  });
  assert.deepEqual(stream.request.headers?.getAll("x-set"), ["1"]);
  assert.deepEqual(stream.request.headers.getAll("x-add"), ["1", "2"]);
  assert.deepEqual(stream.request.headers.getAll("x-remove"), []);
  assert.deepEqual(stream.response.headers?.getAll("x-set"), ["1"]);
  assert.deepEqual(stream.response.headers.getAll("x-add"), ["2"]);
});

// The examples of the Gateway API's HTTPPathModifier, and its rule on elements of a path.
const PREFIXES: [path: string, prefix: string, replacement: string, result: string][] = [
  ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
  ["/foo", "/foo", "/xyz", "/xyz"],
  ["/foo/", "/foo", "/xyz", "/xyz/"],
  ["/foo/bar", "/foo", "/", "/bar"],
  ["/foo/", "/foo", "/", "/"],
  ["/foo", "/foo", "/", "/"],
  ["/foobar", "/foo", "/xyz", "/foobar"],
  ["/foo?a=/foo", "/foo", "/xyz", "/xyz?a=/foo"],
  ["/foo?a=1", "/foo", "/", "/?a=1"],
  ["/bar", "/", "/xyz", "/xyz/bar"],
];

test("a path is rewritten as the Gateway API defines it", async () => {
  for (const [path, prefix, replacement, result] of PREFIXES) {
    const { worker } = await start({ rewrite: { prefix, replacePrefixMatch: replacement } });
    assert.equal(worker.send({ path }).request.headers?.get(":path"), result, `${path}, ${prefix} by ${replacement}`);
  }
  const { worker } = await start({ rewrite: { host: "new.example", replaceFullPath: "/all" } });
  const stream = worker.send({ path: "/a/b?c=d" });
  assert.equal(stream.request.headers?.get(":path"), "/all?c=d");
  assert.equal(stream.request.headers.get(":authority"), "new.example");
});

test("an abort answers in place of the upstream", async () => {
  const { worker } = await start({ fault: { abort: 418 }, responseHeaders: { set: [{ name: "x-b", value: "1" }] } });
  const stream = worker.open();
  assert.equal(stream.localResponse?.status, 418);
  assert.equal(stream.localResponse.details, "ab_fault");
  stream.close();
});

test("a fault happens to its share of requests", async () => {
  const { worker } = await start({ fault: { abort: 503, share: 2500 } });
  let count = 0;
  for (let i = 0; i < 4000; i++) if (worker.send().localResponse !== undefined) count++;
  // Six standard deviations of a binomial distribution.
  assert.ok(Math.abs(count - 1000) < 6 * Math.sqrt(750), `${count}`);
});

test("a delay holds the request, and no longer", async () => {
  const { envoy, worker } = await start({ fault: { delay: "250ms" } });
  const stream = worker.open();
  assert.equal(stream.paused, true);
  envoy.clock.advance(249);
  assert.equal(stream.paused, true);
  envoy.clock.advance(2);
  assert.equal(stream.paused, false);
  stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
  assert.equal(statusOf(stream), 200);
  stream.close();
  const gone = worker.open();
  gone.close();
  envoy.clock.advance(1000);
  assert.equal(worker.trap, undefined);
});

test("requests, errors, latency and keys are counted for each variant", async () => {
  const envoy = await envoys.start();
  const experiment = {
    name: "a",
    header: "x-a",
    default: "off",
    measure: true,
    split: {
      key: [{ header: "x-user" }],
      variants: [
        { name: "on", weight: 10_000 },
        { name: "off", weight: 0 },
      ],
    },
  };
  const [first, second] = [
    await envoy.worker({ experiments: [experiment] }),
    await envoy.worker({ experiments: [experiment] }),
  ];
  const send = (worker: Worker, user: string, status: string): void => {
    const stream = worker.open({ headers: [["x-user", user]], properties: { "request.duration": 20_900_000 } });
    if (status !== "") stream.responseHeaders({ ":status": status }, { endOfStream: true });
    stream.close();
  };
  for (const [user, status] of [
    ["1", "200"],
    ["1", "404"],
    ["2", "500"],
    ["3", ""],
  ] as const)
    send(first, user, status);
  send(second, "1", "200");
  send(second, "4", "503");
  first.send();
  assert.equal(envoy.metric("ab.a.on.requests"), 6);
  assert.equal(envoy.metric("ab.a.on.errors"), 3);
  assert.equal(envoy.metric("ab.a.on.exposed"), 4, "once for each key, whatever worker it comes by");
  assert.equal(envoy.metric("ab.a.off"), 1);
  assert.equal(envoy.metric("ab.a.off.requests"), 0, "without a key it is no part of the experiment");
  assert.deepEqual(envoy.metrics.find("ab.a.on.latency_ms")?.records, Array<bigint>(6).fill(20n));
});

test("many more keys than are remembered count at most twice, and memory does not grow", async () => {
  const envoy = await envoys.start();
  const split = { key: [{ header: "x-user" }], variants: [{ name: "on", weight: 10_000 }] };
  const worker = await envoy.worker({
    experiments: [{ name: "a", header: "x-a", default: "on", measure: true, split }],
  });
  const total = 40_000;
  for (let i = 0; i < total; i++) worker.send({ headers: [["x-user", `user-${i}`]] });
  assert.equal(envoy.metric("ab.a.on.exposed"), total);
  for (let i = 0; i < total; i++) worker.send({ headers: [["x-user", `user-${i}`]] });
  assert.equal(envoy.metric("ab.a.on.exposed"), total, "other workers' memory is asked");
});
