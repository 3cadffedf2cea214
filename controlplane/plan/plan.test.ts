import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { canaryText, carefulText, serviceText, startPlane, type TestPlane } from "../observe/testdata/plane.ts";
import { TypeUrl } from "../xds/index.ts";
import type { PlanReport, SidecarGroup } from "./index.ts";

/** A sidecar that takes requests only. */
const inboundOnly = serviceText("in", 8020).replace(", outboundPort: 8022", "");
const mesh = serviceText("web", 8000) + serviceText("db", 8010) + inboundOnly + canaryText("1s");

interface Request {
  readonly text?: string;
  readonly delete?: readonly string[];
}

async function planned(plane: TestPlane, { text, delete: deleted = [] }: Request): Promise<PlanReport> {
  const files = text === undefined ? [] : [{ path: "new.yaml", text }];
  const { status, body } = await plane.post("/api/v1/plan", { files, delete: deleted });
  assert.equal(status, 200, body);
  return JSON.parse(body) as PlanReport;
}

function shown({ nodes, now, later }: SidecarGroup): unknown {
  const names = (changes: SidecarGroup["now"]["changes"]): string[] =>
    changes.map(({ change, type, name }) => `${change} ${type} ${name}`);
  return [nodes, names(now.changes), ...(later === undefined ? [] : [names(later.changes)])];
}

describe("a plan for a control plane", () => {
  let plane: TestPlane;
  before(async () => {
    plane = await startPlane(mesh);
    await plane.connect("web-1", TypeUrl.cluster).next();
  });
  after(() => plane.close());

  test("of a route says what every sidecar with an outbound listener would be sent, and changes nothing", async () => {
    const release = plane.plane.release?.model;
    const report = await planned(plane, { text: canaryText("3s") });
    assert.deepEqual(report.resources, [{ resource: "HTTPRoute/canary", at: "new.yaml:2:1", change: "changed" }]);
    const [group, ...more] = report.groups;
    assert.equal(more.length, 0);
    assert.deepEqual(group?.nodes, ["db-1", "web-1"]);
    assert.deepEqual(group.connected, ["web-1"]);
    assert.deepEqual(group.services, ["db", "web"]);
    assert.deepEqual(group.now, {
      changes: [
        {
          change: "changed",
          type: "RouteConfiguration",
          name: "outbound",
          from: [
            { resource: "Service/db", at: "mesh.yaml:10:1" },
            { resource: "Service/in", at: "mesh.yaml:18:1" },
            { resource: "Service/web", at: "mesh.yaml:2:1" },
            { resource: "HTTPRoute/canary", at: "new.yaml:2:1" },
          ],
          diff: [
            "@@ virtualHosts[0].routes[0].route @@",
            "         route:",
            '           cluster: "outbound|db|80"',
            '-          timeout: "1s"',
            '+          timeout: "3s"',
            '   - name: "in"',
            "     domains:",
          ].join("\n"),
        },
      ],
      disturbance: [],
    });
    assert.equal(report.unchanged, 1);
    assert.equal(plane.plane.release?.model, release);
    assert.equal((await planned(plane, { text: canaryText("3s") })).resources.length, 1);
  });

  test("of what is there already is empty", async () => {
    assert.deepEqual(await planned(plane, { text: `# said otherwise\n${canaryText("1s")}` }), {
      problems: [],
      resources: [],
      groups: [],
      unchanged: 3,
      heldBack: [],
    });
  });

  test("of a fault is the fault with its place", async () => {
    const { problems, groups } = await planned(plane, { text: canaryText("often") });
    assert.deepEqual(
      problems.map(({ file, line, path }) => [file, line, path]),
      [["new.yaml", 7, "spec.rules[0].timeouts.request"]],
    );
    assert.deepEqual(groups, []);
    // What is planned is looked at together with what is there.
    const { problems: found } = await planned(plane, { delete: ["Service/db"] });
    assert.deepEqual(
      found.map(({ file, line }) => [file, line]),
      [
        ["mesh.yaml", 30],
        ["mesh.yaml", 31],
      ],
    );
  });

  test("of something that goes says who would be served nothing any more", async () => {
    const { resources, groups } = await planned(plane, { delete: ["HTTPRoute/canary", "Service/db"] });
    assert.deepEqual(
      resources.map(({ resource, change }) => [resource, change]),
      [
        ["HTTPRoute/canary", "removed"],
        ["Service/db", "removed"],
      ],
    );
    assert.deepEqual(groups.map(shown), [
      [["db-1"], []],
      [
        ["web-1"],
        [
          "removed Cluster outbound|db|80",
          "removed ClusterLoadAssignment outbound|db|80",
          "changed RouteConfiguration outbound",
        ],
      ],
    ]);
    assert.match(groups[0]?.note ?? "", /keeps what it has: no endpoint has a sidecar with the node id "db-1"/);
    const { status, body } = await plane.post("/api/v1/plan", { delete: ["Service/gone"] });
    assert.equal(status, 404);
    assert.match(body, /there is no resource Service\/gone/);
  });

  test("says what Envoy does to open connections, and nothing where it keeps them", async () => {
    const disturbances = async (text: string): Promise<string[]> =>
      (await planned(plane, { text })).groups.flatMap(({ now }) => now.disturbance);
    const [whole, ...more] = await disturbances(serviceText("web", 8000).replace("8001", "8031"));
    assert.match(whole ?? "", /^Listener inbound is replaced as a whole: all its connections are drained/);
    // Others are told another endpoint, for which none closes a connection.
    assert.deepEqual(more, []);
    const [application] = await disturbances(serviceText("web", 8000).replace("port: 8000", "port: 8040"));
    assert.match(application ?? "", /^Cluster inbound\|web\|80 is made anew/);
    assert.deepEqual(await disturbances(serviceText("api", 8050)), []);
  });

  test("is refused where it is not asked for as it should be", async () => {
    for (const [body, error] of [
      [{ files: "x" }, /files: expected an array/],
      [{ delete: "Service/x" }, /delete: expected an array of KIND\/NAME/],
    ] as const) {
      const answer = await plane.post("/api/v1/plan", body);
      assert.equal(answer.status, 400);
      assert.match(answer.body, error);
    }
    assert.equal((await plane.get("/api/v1/plan")).status, 405);
  });
});

describe("a plan for what a Rollout is about", () => {
  let plane: TestPlane;
  before(async () => {
    plane = await startPlane(mesh + carefulText);
  });
  after(() => plane.close());

  test("says what is held back, for whom, and until when", async () => {
    const { groups, heldBack, unchanged } = await planned(plane, { text: canaryText("3s") });
    assert.deepEqual(groups.map(shown), [[["db-1", "web-1"], [], ["changed RouteConfiguration outbound"]]]);
    assert.deepEqual(groups[0]?.later?.rollouts, ["careful"]);
    assert.deepEqual(heldBack, [
      {
        rollout: "careful",
        targets: ["HTTPRoute/canary"],
        why: "it waits for meshwright rollout start careful",
      },
    ]);
    assert.equal(unchanged, 1);
  });

  test("says what goes out at once beside it", async () => {
    const { groups } = await planned(plane, { text: canaryText("3s") + serviceText("api", 8050) });
    const outbound = [
      "added Cluster outbound|api|80",
      "added ClusterLoadAssignment outbound|api|80",
      "changed RouteConfiguration outbound",
    ];
    assert.deepEqual(shown(groups.find(({ nodes }) => nodes.includes("web-1")) as SidecarGroup), [
      ["db-1", "web-1"],
      outbound,
      ["changed RouteConfiguration outbound"],
    ]);
  });

  test("does not blame a change for what was held back before it", async () => {
    await plane.change(mesh.replace("1s", "2s") + carefulText);
    const { groups, unchanged } = await planned(plane, { text: inboundOnly.replace("port: 8020", "port: 8060") });
    assert.deepEqual(
      groups.map(({ nodes, later }) => [nodes, later]),
      [[["in-1"], undefined]],
    );
    assert.equal(unchanged, 2);
    const { groups: again, heldBack } = await planned(plane, { text: canaryText("2s") });
    assert.deepEqual(again, []);
    assert.equal(heldBack.length, 1);
  });
});
