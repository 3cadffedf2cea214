import assert from "node:assert/strict";
import { test } from "node:test";
import { Envoys, type Request, type Worker } from "../testing/filter.ts";

// What surrounds a split: whom an experiment is for, when, who may ask for a variant, and who stays out.

const envoys = new Envoys("ab-routing");

const half = [
  { name: "on", weight: 5000 },
  { name: "off", weight: 5000 },
];
const split = { key: [{ header: "x-user" }], variants: half };
const on = {
  key: [{ header: "x-user" }],
  variants: [
    { name: "on", weight: 10_000 },
    { name: "off", weight: 0 },
  ],
};
const experiment = { name: "a", header: "x-a", default: "off", split: on };

const user = (name: string, ...headers: [string, string][]): Request => ({ headers: [["x-user", name], ...headers] });
const told = (worker: Worker, request: Request, header = "x-a"): string[] =>
  worker.send(request).request.headers?.getAll(header) ?? [];

test("a request that an experiment is not for is told nothing, nor is a client's copy passed on", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    experiments: [
      { ...experiment, when: { path: { prefix: "/shop/" } } },
      { ...experiment, name: "b", header: "x-b", when: { path: { exact: "/shop" } } },
      { ...experiment, name: "c", header: "x-c", when: { headers: [{ name: "x-beta", present: true }] } },
      { ...experiment, name: "d", header: "x-d", when: { path: { prefix: "/sh" } } },
    ],
  });
  const all = (path: string, ...headers: [string, string][]): string[] => {
    const forged = ["x-a", "x-b", "x-c", "x-d"].map((name): [string, string] => [name, "forged"]);
    const stream = worker.send({ path, headers: [["x-user", "1"], ...headers, ...forged] });
    return ["x-a", "x-b", "x-c", "x-d"].filter((name) => {
      const values = stream.request.headers?.getAll(name) ?? [];
      assert.ok(values.length === 0 || (values.length === 1 && values[0] === "on"), values.join());
      return values.length > 0;
    });
  };
  assert.deepEqual(all("/shop/cart"), ["x-a", "x-d"]);
  assert.deepEqual(all("/shop"), ["x-b", "x-d"]);
  assert.deepEqual(all("/shop?a=/shop/"), ["x-b", "x-d"]);
  assert.deepEqual(all("/a/../shop/cart"), ["x-a", "x-d"]);
  assert.deepEqual(all("/shopping/cart"), ["x-d"]);
  assert.deepEqual(all("/", ["x-beta", ""]), ["x-c"]);
  assert.deepEqual(all("/"), []);
  assert.equal(envoy.metric("ab.a.on"), 2);
});

test("a switch and a schedule send everybody to the default", async () => {
  const envoy = await envoys.start();
  const start = new Date(Number(envoy.clock.realtime / 1_000_000n) + 60_000);
  const end = new Date(start.getTime() + 60_000);
  const times = { from: start.toISOString(), until: end.toISOString() };
  const worker = await envoy.worker({
    experiments: [
      { ...experiment, enabled: false, force: { from: [{ header: "x-force" }] } },
      { ...experiment, name: "b", header: "x-b", active: times },
    ],
  });
  assert.deepEqual(told(worker, user("1", ["x-force", "on"])), ["off"], "a switch is stronger than who asks");
  assert.deepEqual(told(worker, user("1"), "x-b"), ["off"]);
  envoy.clock.step(60_000);
  assert.deepEqual(told(worker, user("1"), "x-b"), ["on"]);
  envoy.clock.step(60_000);
  assert.deepEqual(told(worker, user("1"), "x-b"), ["off"]);
});

test("who may asks for a variant by its name", async () => {
  const envoy = await envoys.start();
  const force = {
    from: [{ header: "x-force" }, { cookie: "force" }],
    when: { headers: [{ name: "x-staff", exact: "1" }] },
  };
  const worker = await envoy.worker({
    experiments: [
      {
        ...experiment,
        force,
        rules: [{ match: { headers: [{ name: "x-rule", present: true }] }, variant: "off" }],
        measure: true,
      },
    ],
  });
  const staff: [string, string] = ["x-staff", "1"];
  const cases: [what: string, request: Request, variant: string][] = [
    ["staff by header", user("1", staff, ["x-force", "off"]), "off"],
    ["staff by cookie", user("1", staff, ["cookie", "a=b; force=off"]), "off"],
    ["before the rules", user("1", staff, ["x-force", "on"], ["x-rule", ""]), "on"],
    ["others", user("1", ["x-force", "off"]), "on"],
    ["a name that no variant has", user("1", staff, ["x-force", "of"]), "on"],
    [
      "an unknown name in the header, a good one in the cookie",
      user("1", staff, ["x-force", "x"], ["cookie", "force=off"]),
      "off",
    ],
    ["without a key", { headers: [staff, ["x-force", "on"]] }, "on"],
  ];
  for (const [what, request, variant] of cases) assert.deepEqual(told(worker, request), [variant], what);
  assert.equal(envoy.metric("ab.a.on.exposed"), 1, "whoever was sent to a variant is no part of the experiment");
  assert.equal(envoy.metric("ab.a.on.requests"), 2);
});

test("a key is in one experiment of a layer at the most, and in the same whatever the others are", async () => {
  const names = Array.from({ length: 4000 }, (_, i) => `user-${i}`);
  const layer = { name: "page", key: [{ header: "x-user" }], salt: "1" };
  const one = (name: string, from: number, to: number): object => ({
    ...experiment,
    name,
    header: `x-${name}`,
    layer: { name: "page", from, to },
  });
  const groups = async (...experiments: object[]): Promise<Map<string, string>> => {
    const envoy = await envoys.start();
    const worker = await envoy.worker({ layers: [layer], experiments });
    return new Map(
      names.map((name) => {
        const headers = worker.send(user(name)).request.headers;
        const inside = ["a", "b", "c"].filter((id) => headers?.get(`x-${id}`) === "on");
        assert.ok(inside.length <= 1, `${name} is in ${inside.join()}`);
        return [name, inside.join()];
      }),
    );
  };
  const all = await groups(one("a", 0, 2000), one("b", 2000, 5000), one("c", 9000, 10_000));
  const sizes = ["a", "b", "c", ""].map(
    (id) => [...all.values()].filter((group) => group === id).length / names.length,
  );
  [0.2, 0.3, 0.1, 0.4].forEach((share, i) => assert.ok(Math.abs((sizes[i] ?? 0) - share) < 0.03, sizes.join()));
  const alone = await groups(one("b", 2000, 5000));
  for (const name of names) assert.equal(alone.get(name) === "b", all.get(name) === "b", name);
});

test("a layer and the splits in it deal out independently", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    layers: [{ name: "a", key: [{ header: "x-user" }] }],
    experiments: [{ ...experiment, split, layer: { name: "a", from: 0, to: 5000 }, measure: true }],
  });
  const total = 8000;
  for (let i = 0; i < total; i++) worker.send(user(`user-${i}`));
  const [ons, offs] = [envoy.metric("ab.a.on.exposed"), envoy.metric("ab.a.off.exposed")];
  assert.ok(Math.abs(ons + offs - total / 2) < 4 * Math.sqrt(total / 4), `${ons} + ${offs}`);
  assert.ok(Math.abs(ons - offs) < 4 * Math.sqrt(ons + offs), `${ons} and ${offs}`);
});

test("the holdout is the same for all experiments but those that do not care", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    holdout: { key: [{ header: "x-user" }], share: 1000 },
    experiments: [
      experiment,
      { ...experiment, name: "b", header: "x-b" },
      { ...experiment, name: "c", header: "x-c", holdout: false },
    ],
  });
  let held = 0;
  const total = 4000;
  for (let i = 0; i < total; i++) {
    const headers = worker.send(user(`user-${i}`)).request.headers;
    assert.equal(headers?.get("x-a"), headers?.get("x-b"));
    assert.equal(headers?.get("x-c"), "on");
    if (headers.get("x-a") === "off") held++;
  }
  assert.ok(Math.abs(held / total - 0.1) < 0.02, `${held}`);
});

test("why a request has its variant is in the debug log", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker(
    {
      experiments: [{ ...experiment, when: { methods: ["GET"] } }],
    },
    "debug",
  );
  worker.send(user("1"));
  worker.send({});
  worker.send({ method: "POST" });
  const lines = worker.log
    .filter(({ message }) => message.startsWith('{"ab"'))
    .map(({ message }) => JSON.parse(message) as object);
  const assigned = { ab: "assignment", experiment: "a" };
  assert.deepEqual(lines, [
    { ...assigned, variant: "on", reason: "split", place: 4335 },
    { ...assigned, variant: "off", reason: "noKey" },
    { ...assigned, variant: null, reason: "notTargeted" },
  ]);
});
