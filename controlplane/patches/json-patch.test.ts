import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Json, JsonPatchOperation } from "../model/index.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { merge } from "./merge.ts";
import { envoyRegistry } from "./registry.ts";
import { shapeOfMessage } from "./shape.ts";

const registry = envoyRegistry();
const shapeOf = (typeName: string): ReturnType<typeof shapeOfMessage> => {
  const desc = registry.getMessage(typeName);
  assert.ok(desc);
  return shapeOfMessage(desc);
};
const cluster = shapeOf("envoy.config.cluster.v3.Cluster");
const struct = shapeOf("google.protobuf.Struct");

const patched = (document: JsonValue, operations: JsonPatchOperation[], shape = cluster): JsonValue => {
  const result = applyJsonPatch(shape, document, operations, registry);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};
const faults = (document: JsonValue, operations: JsonPatchOperation[], shape = cluster): string[] => {
  const result = applyJsonPatch(shape, document, operations, registry);
  assert.ok(!result.ok);
  return result.faults.map(({ path, message }) => `${path.join(".")}: ${message}`);
};

describe("a JSON Patch", () => {
  // RFC 6902, appendix A; a Struct takes any JSON object.
  const examples: [what: string, before: Json, operations: JsonPatchOperation[], after: Json][] = [
    ["A.1", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    ["A.2", { foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    ["A.3", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    ["A.4", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    ["A.5", { baz: "qux" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo" }],
    [
      "A.6",
      { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
      [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
    ],
    [
      "A.7",
      { foo: ["all", "grass", "cows", "eat"] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: ["all", "cows", "eat", "grass"] },
    ],
    [
      "A.8",
      { baz: "qux", foo: ["a", 2, "c"] },
      [
        { op: "test", path: "/baz", value: "qux" },
        { op: "test", path: "/foo/1", value: 2 },
      ],
      { baz: "qux", foo: ["a", 2, "c"] },
    ],
    [
      "A.10",
      { foo: "bar" },
      [{ op: "add", path: "/child", value: { grandchild: {} } }],
      { foo: "bar", child: { grandchild: {} } },
    ],
    ["A.14", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [
      "A.16",
      { foo: ["bar"] },
      [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
      { foo: ["bar", ["abc", "def"]] },
    ],
  ];
  for (const [what, before, operations, after] of examples) {
    it(`does as example ${what} of RFC 6902`, () => {
      assert.deepEqual(patched(before as JsonValue, operations, struct), after);
    });
  }

  it("fails as examples A.9, A.12 and A.15 do", () => {
    assert.match(faults({ baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }], struct)[0] ?? "", /^0\.value: /);
    assert.match(faults({ foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "x" }], struct)[0] ?? "", /^0\.path: /);
    assert.match(
      faults({ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: "10" }], struct)[0] ?? "",
      /found 10/,
    );
  });

  it("takes a field by either of its names, before and after it was set", () => {
    const operations: JsonPatchOperation[] = [
      { op: "replace", path: "/connectTimeout", value: "2s" },
      { op: "add", path: "/loadAssignment", value: { clusterName: "a" } },
      { op: "test", path: "/load_assignment", value: { cluster_name: "a" } },
      { op: "replace", path: "/load_assignment/cluster_name", value: "b" },
    ];
    assert.deepEqual(patched({ connect_timeout: "1s" }, operations), {
      connect_timeout: "2s",
      load_assignment: { cluster_name: "b" },
    });
  });

  it("adds to a list that is not there, as a message does not tell an empty one from none", () => {
    assert.deepEqual(patched({}, [{ op: "add", path: "/health_checks/-", value: { timeout: "1s" } }]), {
      health_checks: [{ timeout: "1s" }],
    });
  });

  it("puts a member of a oneof in the place of the other", () => {
    assert.deepEqual(patched({ type: "EDS" }, [{ op: "add", path: "/cluster_type", value: { name: "x" } }]), {
      cluster_type: { name: "x" },
    });
  });

  it("says where an operation cannot be carried out, and what was expected", () => {
    assert.deepEqual(
      [
        ...faults({}, [{ op: "add", path: "/conect_timeout", value: "1s" }]),
        ...faults({}, [{ op: "add", path: "/connect_timeout", value: 5 }]),
        ...faults({}, [{ op: "remove", path: "/health_checks" }]),
        ...faults({}, [{ op: "replace", path: "/circuit_breakers/thresholds/0/max_requests", value: 1 }]),
        ...faults({ health_checks: [] }, [{ op: "add", path: "/health_checks/2", value: {} }]),
      ],
      [
        '0.path: envoy.config.cluster.v3.Cluster has no field "conect_timeout" (did you mean "connect_timeout"?)',
        "0.value: expected a duration in seconds, such as 1.5s, found integer 5",
        "0.path: there is nothing at /health_checks; add it first, or use Merge",
        "0.path: there is nothing at /circuit_breakers; add it first, or use Merge",
        "0.path: there is no item 2; the list has 0",
      ],
    );
  });
});

describe("merge", () => {
  const merged = (target: JsonValue, value: JsonValue, shape = cluster): JsonValue =>
    merge(shape, target, value, registry);

  // RFC 7396, appendix A, as far as both sides are objects.
  const examples: [before: JsonValue, value: JsonValue, after: JsonValue][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [before, value, after] of examples) {
    it(`makes ${JSON.stringify(after)} of ${JSON.stringify(before)} and ${JSON.stringify(value)}, as RFC 7396 says`, () => {
      assert.deepEqual(merged(before, value, struct), after);
    });
  }

  it("replaces durations and lists, and takes false and 0 for values", () => {
    const before = { connect_timeout: "5s", ignore_health_on_host_removal: true, health_checks: [{ timeout: "1s" }] };
    const value = { connectTimeout: "0.5s", ignoreHealthOnHostRemoval: false, health_checks: [{ timeout: "2s" }] };
    assert.deepEqual(merged(before, value), {
      connect_timeout: "0.5s",
      ignore_health_on_host_removal: false,
      health_checks: [{ timeout: "2s" }],
    });
  });

  it("goes into a message in an Any of the same type, and replaces one of another", () => {
    const options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    const before = { typed_extension_protocol_options: { x: { "@type": options, auto_config: {} } } };
    const value = { x: { "@type": options, explicitHttpConfig: { http2ProtocolOptions: {} } } };
    assert.deepEqual(merged(before, { typedExtensionProtocolOptions: value }), {
      typed_extension_protocol_options: {
        x: { "@type": options, explicit_http_config: { http2_protocol_options: {} } },
      },
    });
    const other = { x: { "@type": "type.googleapis.com/envoy.config.cluster.v3.Filter", name: "y" } };
    assert.deepEqual(merged(before, { typed_extension_protocol_options: other }), {
      typed_extension_protocol_options: other,
    });
  });
});
