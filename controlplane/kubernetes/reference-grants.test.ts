import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { grants, keepGrant } from "./reference-grants.ts";

const from = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "a" };
const to = { group: "", kind: "Service", name: "s" };

describe("a ReferenceGrant lets a route of a name a Service of b", () => {
  for (const [what, spec, expected] of [
    ["that it names", { from: [from], to: [to] }, true],
    ["where it names none, and so all", { from: [from], to: [{ group: "", kind: "Service" }] }, true],
    ["beside others", { from: [{ ...from, namespace: "c" }, from], to: [{ ...to, name: "t" }, to] }, true],
    ["but no other one", { from: [from], to: [{ ...to, name: "t" }] }, false],
    ["but not where the name is empty", { from: [from], to: [{ ...to, name: "" }] }, false],
    ["but not from another namespace", { from: [{ ...from, namespace: "c" }], to: [to] }, false],
    ["but not for routes of another kind", { from: [{ ...from, kind: "GRPCRoute" }], to: [to] }, false],
    ["but not for those of another group", { from: [{ ...from, group: "" }], to: [to] }, false],
    ["but no Secret", { from: [from], to: [{ ...to, kind: "Secret" }] }, false],
    ["but nothing without a word", {}, false],
  ] as const) {
    test(what, () => {
      const grant = keepGrant({ metadata: { name: "g", namespace: "b" }, spec });
      assert.equal(grants(grant, "HTTPRoute", "a", { namespace: "b", name: "s" }), expected);
      assert.equal(grants(grant, "HTTPRoute", "a", { namespace: "d", name: "s" }), false);
    });
  }
});
