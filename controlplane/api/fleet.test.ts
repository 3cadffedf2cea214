import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeStats, type NodeView } from "../fleet/index.ts";
import { TypeUrl, type ResourceStatus } from "../xds/index.ts";
import { fleetReport } from "./fleet-report.ts";
import { matches } from "./fresh.ts";
import { Paced } from "./paced.ts";

function sidecar(id: string, service: string, refusal?: string): NodeView {
  const filter: ResourceStatus = {
    ...{ name: "authz", version: "v2", sent: "v2", acked: refusal === undefined ? "v2" : "v1", acceptedAt: null },
    state: refusal === undefined ? "synced" : "rejected",
    rejection: refusal === undefined ? null : { version: "v2", message: refusal, time: id.length, shared: false },
  };
  return {
    node: {
      ...{ id, cluster: service, metadata: {}, features: [], userAgentName: "envoy", userAgentVersion: "1.40.0" },
      locality: { region: "", zone: "", subZone: "" },
    },
    ...{ connected: true, since: 0, lastSeen: 0, protocol: "delta", peer: "", streams: 1 },
    types: [{ typeUrl: TypeUrl.extensionConfig, version: "v2", requested: true, ackedAt: 0, resources: [filter] }],
  };
}

test("sidecars that stand alike are told of once, in the order of their Services and numbers; rejections by what is said", async () => {
  const nodes = [
    sidecar("web-10", "web"),
    sidecar("web-2", "web", "no"),
    sidecar("web-1", "web"),
    sidecar("api-100", "api", "no"),
    sidecar("api-1", "api", "never"),
  ];
  const fleet = { nodes: () => nodes };
  const report = await fleetReport({
    release: undefined,
    appliedAt: undefined,
    refused: [],
    fleet,
    stats: new NodeStats(),
  });
  assert.deepEqual(report.nodes, ["api-1", "api-100", "web-1", "web-2", "web-10"]);
  const states = report.of.map((standing) => {
    const { service, state, filters } = report.standings[standing]!;
    return [service, state, filters[0]?.version];
  });
  assert.deepEqual(states, [
    ["api", "faulty", "v1"],
    ["api", "faulty", "v1"],
    ["web", "updating", "v2"],
    ["web", "faulty", "v1"],
    ["web", "updating", "v2"],
  ]);
  assert.equal(report.standings.length, 3);
  assert.deepEqual(
    report.rejections.map(({ message, sidecars, nodes: some, at }) => [message, sidecars, some, at]),
    [
      ["no", 2, ["web-2", "api-100"], new Date(7).toISOString()],
      ["never", 1, ["api-1"], new Date(5).toISOString()],
    ],
  );
  const other = await fleetReport({
    release: undefined,
    appliedAt: undefined,
    refused: [],
    fleet: { nodes: () => nodes.slice(1) },
    stats: new NodeStats(),
  });
  assert.notEqual(other.nodesVersion, report.nodesVersion);
});

test("a report is made once for all who ask at the same time, and takes its share of the time and no more", async () => {
  let [now, made] = [0, 0];
  const paced = new Paced(
    async () => {
      await Promise.resolve();
      now += 50;
      return ++made;
    },
    10,
    () => now,
  );
  assert.deepEqual(await Promise.all([paced.get(), paced.get()]), [1, 1]);
  now += 499;
  assert.equal(await paced.get(), 1);
  now += 1;
  assert.equal(await paced.get(), 2);
  paced.forget();
  assert.equal(await paced.get(), 3);
});

test("a report that fails is made again", async () => {
  let isBad = true;
  const paced = new Paced(() => {
    if (isBad) throw new Error("no");
    return 1;
  });
  await assert.rejects(paced.get());
  isBad = false;
  assert.equal(await paced.get(), 1);
});

test("what if-none-match says", () => {
  for (const [header, isSame] of [
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ["*", true],
    ['"b"', false],
    ["a", false],
    [undefined, false],
  ] as const)
    assert.equal(matches(header, '"a"'), isSame, header);
});
