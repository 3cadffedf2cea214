import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TypeUrl } from "../xds/index.ts";
import type { Resource, Snapshot } from "../xds/index.ts";
import {
  meshModules,
  meshText,
  modelOf,
  resourceJson,
  snapshotJson,
  snapshotOf,
  translated,
} from "./testdata/fixtures.ts";

const nodes = ["web-1", "shop-v1-1", "shop-v1-2"];

function versions(snapshot: Snapshot): Record<string, string> {
  const all = [...snapshot.sets.values()].flatMap(({ resources }) => [...resources.values()]);
  return Object.fromEntries(all.map(({ typeUrl, name, version }) => [`${typeUrl} ${name}`, version]));
}

/** The resources, of all nodes, that a change of the mesh changes, adds or removes. */
function changed(after: string): string[] {
  const differing = new Set<string>();
  for (const node of nodes) {
    const before = versions(snapshotOf(translated(modelOf(meshText)), node));
    const now = versions(snapshotOf(translated(modelOf(after)), node));
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      if (before[key] !== now[key]) differing.add(key.slice(key.lastIndexOf(".") + 1));
    }
  }
  return [...differing].sort();
}

function edited(from: string | RegExp, to: string): string {
  const text = meshText.replace(from, to);
  assert.notEqual(text, meshText);
  return text;
}

describe("translate", () => {
  for (const node of nodes) {
    // UPDATE_GOLDEN=1 writes what is made now; prettier formats it, and the difference is for review.
    it(`gives ${node} what its golden file holds`, () => {
      const file = new URL(`testdata/${node}.json`, import.meta.url);
      const actual = snapshotJson(snapshotOf(translated(modelOf(meshText)), node));
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, `${JSON.stringify(actual, null, 2)}\n`);
      assert.deepEqual(actual, JSON.parse(readFileSync(file, "utf8")));
    });
  }

  it("gives nothing to a node that is not in the model, or that claims another Service", () => {
    const translation = translated(modelOf(meshText));
    assert.deepEqual(translation.snapshotFor({ id: "web-2", cluster: "web" }), {
      snapshot: undefined,
      reason: 'no endpoint has a sidecar with the node id "web-2"',
    });
    assert.deepEqual(translation.snapshotFor({ id: "web-1", cluster: "shop-v1" }), {
      snapshot: undefined,
      reason: 'the node "web-1" is a sidecar of Service web, but says that its cluster is "shop-v1"',
    });
  });

  it("gives a node that does not know its Service what it gives one that does", () => {
    const translation = translated(modelOf(meshText));
    const { snapshot } = translation.snapshotFor({ id: "web-1", cluster: "web" });
    assert.ok(snapshot);
    assert.equal(translation.snapshotFor({ id: "web-1", cluster: "*" }).snapshot, snapshot);
  });

  it("encodes once what nodes share", () => {
    const translation = translated(modelOf(meshText));
    const [a, b] = [snapshotOf(translation, "shop-v1-1"), snapshotOf(translation, "shop-v1-2")];
    assert.equal(translation.snapshotFor({ id: "shop-v1-1", cluster: "shop-v1" }).snapshot, a);
    for (const typeUrl of [TypeUrl.cluster, TypeUrl.endpoint, TypeUrl.route, TypeUrl.extensionConfig]) {
      assert.equal(a.sets.get(typeUrl), b.sets.get(typeUrl), typeUrl);
    }
  });

  it("gives equal bytes for equal input, in whatever order and layout it is written", () => {
    const documents = meshText.split("\n---\n");
    const expected = nodes.map((node) => versions(snapshotOf(translated(modelOf(meshText)), node)));
    fc.assert(
      fc.property(fc.shuffledSubarray(documents, { minLength: documents.length }), fc.boolean(), (shuffled, split) => {
        const model = split ? modelOf(...shuffled) : modelOf(`# another layout\n${shuffled.join("\n\n---\n\n")}`);
        const actual = nodes.map((node) => versions(snapshotOf(translated(model), node)));
        assert.deepEqual(actual, expected);
      }),
      { numRuns: 20 },
    );
  });

  const changes: [what: string, text: string, resources: string[]][] = [
    ["a configuration", edited("allow: [admin]", "allow: [root]"), ["TypedExtensionConfig shop-authz"]],
    [
      "a failure policy",
      edited("failurePolicy: FailClosed", "failurePolicy: FailReload"),
      ["TypedExtensionConfig web-experiments"],
    ],
    ["a label", edited("{ name: shop-v2 }", "{ name: shop-v2, labels: { a: b } }"), []],
    ["a weight of a route", edited("weight: 90", "weight: 80"), ["RouteConfiguration outbound"]],
    ["an endpoint", edited("10.0.0.4", "10.0.0.44"), ["ClusterLoadAssignment outbound|shop-v2|80"]],
    ["a timeout of connections", edited("250ms", "300ms"), ["Cluster outbound|prices|9000"]],
    ["the order of filters", edited("order: 10", "order: -10"), ["Listener inbound"]],
  ];
  for (const [what, text, resources] of changes) {
    it(`changes ${resources.length === 0 ? "nothing" : resources.join(" and ")} for ${what}`, () => {
      assert.deepEqual(changed(text), resources);
    });
  }

  it("runs filters by order, then by name", () => {
    const filters = (text: string): unknown => {
      const listener = snapshotOf(translated(modelOf(text)), "shop-v1-1")
        .sets.get(TypeUrl.listener)
        ?.resources.get("inbound");
      assert.ok(listener);
      return [...JSON.stringify(resourceJson(listener)).matchAll(/"name":"([\w.-]+)","(?:config|typed)/g)].map(
        ([, name]) => name,
      );
    };
    const http = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    assert.deepEqual(filters(meshText), [http, "shop-audit", "shop-authz", "envoy.filters.http.router"]);
    assert.deepEqual(filters(edited("order: 10", "order: -1")), [
      http,
      "shop-authz",
      "shop-audit",
      "envoy.filters.http.router",
    ]);
  });

  it("leaves a filter without module to its stand-in", () => {
    const translation = translated(modelOf(meshText), new Map([...meshModules].slice(0, 1)));
    assert.ok(translation.extensionConfig("shop-authz", "web-1"));
    assert.equal(translation.extensionConfig("web-experiments", "web-1"), undefined);
    const snapshot = snapshotOf(translation, "web-1");
    assert.deepEqual([...(snapshot.sets.get(TypeUrl.extensionConfig)?.resources.keys() ?? [])], ["shop-audit"]);
    const whole = snapshotOf(translated(modelOf(meshText)), "web-1");
    assert.equal(snapshot.sets.get(TypeUrl.listener)?.version, whole.sets.get(TypeUrl.listener)?.version);
  });
});

describe("a filter's stages", () => {
  const filter = translated(modelOf(meshText)).extensionConfig("shop-authz", "") as Resource;
  const part = ({ body }: { body: Uint8Array }): { uri: string; nack: unknown; rest: unknown } => {
    const json = JSON.parse(JSON.stringify(resourceJson({ body }))) as {
      typedConfig: {
        config: { vmConfig: { code: { remote: { httpUri: { uri?: string } } }; nackOnCodeCacheMiss?: boolean } };
      };
    };
    const vm = json.typedConfig.config.vmConfig;
    const { uri = "" } = vm.code.remote.httpUri;
    const { nackOnCodeCacheMiss: nack } = vm;
    delete vm.code.remote.httpUri.uri;
    delete vm.nackOnCodeCacheMiss;
    return { uri, nack, rest: json };
  };

  it("differ only in the attempt and the flag", () => {
    const { staged } = filter;
    assert.ok(staged?.warming);
    assert.equal(staged.module, "a".repeat(64));
    const uri = `http://meshwright:8080/modules/${"a".repeat(64)}.wasm`;
    const base = part(filter);
    assert.deepEqual([base.uri, base.nack], [uri, true]);
    assert.deepEqual(part(staged.variant(0)), base);
    assert.deepEqual(part(staged.variant(7)), { uri: `${uri}?attempt=7`, nack: true, rest: base.rest });
    assert.deepEqual(part(staged.warming), { uri, nack: undefined, rest: base.rest });
  });

  it("have versions that name the stage", () => {
    const { staged, version } = filter;
    assert.deepEqual(
      [staged?.variant(0).version, staged?.variant(3).version, staged?.warming?.version],
      [version, `${version}+3`, `${version}+w`],
    );
  });
});
