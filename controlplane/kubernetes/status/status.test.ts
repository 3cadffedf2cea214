import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Problem } from "../../model/index.ts";
import type { SourceStatus } from "../../source/index.ts";
import { KubernetesError } from "../api.ts";
import { keepCustom, keepService } from "../objects.ts";
import { objectStatus } from "./conditions.ts";
import { routeStatus } from "./route-status.ts";
import { StatusWriter, type StatusWrite } from "./writer.ts";
import { pino } from "pino";

const name = { namespace: "n", name: "p" };
const problem: Problem = {
  ...{ file: "kubernetes:n/FilterPolicy/p", line: 1, column: 1 },
  ...{ path: "spec.module", message: 'there is no WasmModule "m.n"' },
};
const good: SourceStatus = {
  problems: [],
  kept: new Map(),
  leftOut: new Map(),
  served: new Set(["FilterPolicy p.n", "Service p.n", "HTTPRoute p.n"]),
  modules: new Map(),
  filters: new Map(),
  rollouts: new Map(),
};

/** Conditions as `Type=Status/Reason`. */
function told(
  kind: "FilterPolicy" | "MeshService" | "Rollout" | "WasmModule",
  status: SourceStatus,
  facts = {},
): string[] {
  return objectStatus(kind, name, status, facts).conditions.map(
    ({ type, status: is, reason }) => `${type}=${is}/${reason}`,
  );
}

describe("the conditions of a resource", () => {
  test("that is good, and runs in some or all of its sidecars", () => {
    assert.deepEqual(told("FilterPolicy", good), ["Accepted=True/Accepted", "Programmed=True/Programmed"]);
    const filters = new Map([["p.n", { sidecars: 3, running: 2, faulty: 0 }]]);
    assert.deepEqual(told("FilterPolicy", { ...good, filters }), [
      "Accepted=True/Accepted",
      "Programmed=False/Pending",
    ]);
    const faulty = new Map([["p.n", { sidecars: 3, running: 2, faulty: 1, fault: "no" }]]);
    assert.equal(told("FilterPolicy", { ...good, filters: faulty })[2], "Degraded=True/SidecarsFaulty");
  });

  test("that is faulty: with the place in it, and what is served in its stead", () => {
    const kept = new Map([["FilterPolicy p.n", "why"]]);
    const { conditions } = objectStatus("FilterPolicy", name, { ...good, problems: [problem], kept }, {});
    assert.deepEqual(
      conditions.map(({ reason, message }) => [reason, message]),
      [
        ["Invalid", 'spec.module: there is no WasmModule "m.n"'],
        ["Kept", "served as it was when it was last good: why"],
      ],
    );
    // Of another object it says nothing.
    assert.equal(told("WasmModule", { ...good, problems: [problem] })[0], "Accepted=True/Accepted");
    const leftOut = new Map([["FilterPolicy p.n", "why"]]);
    assert.equal(told("FilterPolicy", { ...good, leftOut })[1], "Programmed=False/LeftOut");
  });

  test("of a MeshService without its Service, or with pods that have no sidecar", () => {
    assert.deepEqual(told("MeshService", good, { service: "missing" }), [
      "Accepted=False/NoService",
      "Programmed=False/Pending",
    ]);
    assert.equal(told("MeshService", good, { service: "without its port" })[0], "Accepted=False/NoSuchPort");
    const bare = told("MeshService", good, { service: "there", withoutSidecar: ["a"] });
    assert.equal(bare[2], "Degraded=True/PodsWithoutSidecar");
  });

  test("of a Rollout, and of what it rolls out", () => {
    const run = { isRunning: true, isUndone: false, wave: "2/4", version: "v", targets: ["FilterPolicy p.n"] };
    const rollouts = new Map([["p.n", { ...run, phase: "Progressing" }]]);
    const { conditions, fields } = objectStatus("Rollout", name, { ...good, rollouts }, {});
    assert.deepEqual(fields, { phase: "Progressing", wave: "2/4", health: "Healthy", version: "v" });
    assert.deepEqual([conditions[2]?.status, conditions[3]?.status], ["True", "False"]);
    assert.equal(told("FilterPolicy", { ...good, rollouts })[2], "Progressing=True/RollingOut");
    const undone = new Map([["p.n", { ...run, phase: "Held", isRunning: false, isUndone: true, why: "trapped" }]]);
    assert.equal(told("FilterPolicy", { ...good, rollouts: undone })[2], "Degraded=True/RolledBack");
    // The API takes one condition of a type.
    const filters = new Map([["p.n", { sidecars: 3, running: 2, faulty: 1, fault: "no" }]]);
    assert.deepEqual(told("FilterPolicy", { ...good, filters, rollouts: undone }).slice(2), [
      "Degraded=True/RolledBack",
    ]);
    assert.equal(objectStatus("Rollout", name, { ...good, rollouts: undone }, {}).fields["health"], "Degraded");
  });
});

describe("the status of a route", () => {
  const services = new Map(
    ["p", "b"].map((service) => [
      service,
      keepService({ metadata: { namespace: "n", name: service }, spec: { ports: [{ port: 80 }] } }),
    ]),
  );
  const statusOf = (backend: object, parent: object = {}): string[][] => {
    const spec = {
      parentRefs: [{ name: "gateway" }, { group: "", kind: "Service", name: "p", ...parent }],
      rules: [{ backendRefs: [backend] }],
    };
    const route = keepCustom({ metadata: { ...name }, spec });
    const find = (at: { name: string; namespace: string }) =>
      at.namespace === "m" ? undefined : services.get(at.name);
    const mayName = (at: { namespace: string }): boolean => at.namespace === "n" || at.namespace === "granted";
    return routeStatus("HTTPRoute", route, good, find, mayName).map(({ conditions }) =>
      conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`),
    );
  };
  const accepted = "Accepted=True/Accepted";

  for (const [what, backend, resolved] of [
    ["all that it names is there", { name: "b", port: 80 }, "True/ResolvedRefs"],
    ["a Service that is not there", { name: "x", port: 80 }, "False/BackendNotFound"],
    ["a port that it does not have", { name: "b", port: 81 }, "False/BackendNotFound"],
    ["another namespace", { name: "b", namespace: "m", port: 80 }, "False/RefNotPermitted"],
    ["another namespace that grants it", { name: "b", namespace: "granted", port: 80 }, "True/ResolvedRefs"],
    ["none in one that grants it", { name: "x", namespace: "granted", port: 80 }, "False/BackendNotFound"],
    ["another kind", { name: "b", kind: "Bucket", group: "x.example" }, "False/InvalidKind"],
  ] as const) {
    test(`one for each Service that is a parent, none for Gateways: ${what}`, () => {
      assert.deepEqual(statusOf(backend), [[accepted, `ResolvedRefs=${resolved}`]]);
    });
  }

  test("a parent that is not there", () => {
    assert.equal(statusOf({ name: "b", port: 80 }, { name: "x" })[0]?.[0], "Accepted=False/NoMatchingParent");
  });
});

describe("the writer of statuses", () => {
  const write = (key: string, content: string): StatusWrite => ({
    ...{ key, content, path: `/${key}` },
    prepare: () => ({ body: { content }, contentType: "application/apply-patch+yaml", query: {} }),
  });
  const settled = async (condition: () => boolean): Promise<void> => {
    const end = Date.now() + 10_000;
    while (!condition()) {
      assert.ok(Date.now() < end, "not in time");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  test("writes what has changed once, and what conflicts again", async () => {
    const sent: string[] = [];
    let conflicts = 1;
    const api = {
      get: () => Promise.resolve({}),
      send: (_method: string, path: string, _query: object, body: unknown): Promise<unknown> => {
        sent.push(`${path} ${(body as { content: string }).content}`);
        return conflicts-- > 0 ? Promise.reject(new KubernetesError(409, "changed")) : Promise.resolve({});
      },
    };
    const writer = new StatusWriter(api, pino({ level: "silent" }));
    writer.write([write("a", "1"), write("b", "1")]);
    await settled(() => sent.length === 3);
    writer.write([write("a", "1"), write("b", "2")]);
    await settled(() => sent.length === 4);
    writer.write([write("a", "1"), write("b", "2")]);
    assert.deepEqual(sent, ["/a/status 1", "/a/status 1", "/b/status 1", "/b/status 2"]);
    // Others may have written since.
    writer.forget();
    writer.write([write("a", "1")]);
    await settled(() => sent.length === 5);
    await writer.stop();
    assert.equal(sent[4], "/a/status 1");
  });
});
