import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Mesh, source } from "../rollout/testdata/mesh.ts";
import { rolloutFaults, sourceVersion } from "./rollout-faults.ts";

/** Of the Rollout `shop`, which is about the FilterPolicy `authz` of the Service `shop`; its module is the WasmModule `wasm`. */
const content = source("v1");
const view = (await Mesh.serving(content)).rollouts.view("shop");
assert.ok(view !== undefined);

const { model } = content;
const problemOf = (kind: "filterPolicies" | "services" | "wasmModules", name: string, message: string) => {
  const resource = model[kind].get(name);
  assert.ok(resource !== undefined);
  return resource.origin.problem(["spec"], message);
};
const [first, second] = [problemOf("filterPolicies", "authz", "one"), problemOf("filterPolicies", "authz", "two")];
const ofService = problemOf("services", "shop", "bad port");

const linesOf = (...given: Parameters<typeof rolloutFaults>[1][]): string[][] =>
  given.map((faults) => rolloutFaults(view, faults).map((line) => line.replace(/^.*:\d+:\d+: /, "")));

describe("what is wrong with what the source says of a Rollout", () => {
  it("is nothing where nothing is refused, or something else is", () => {
    const other = { resource: "HTTPRoute other", fault: ofService };
    assert.deepEqual(
      linesOf(
        { refused: [], held: { kept: [], leftOut: [] } },
        { refused: [ofService], held: { kept: [other], leftOut: [] } },
      ),
      [[], []],
    );
  });

  it("is all where the whole change is refused", () => {
    assert.deepEqual(linesOf({ refused: [first, ofService] }), [["spec: one", "spec: bad port"]]);
  });

  it("is each fault of the resource on whose account a target, a module or the Rollout stays as it was", () => {
    const refused = [first, second, ofService];
    const kept = (resource: string, fault = first) => ({ refused, held: { kept: [{ resource, fault }], leftOut: [] } });
    const both = ["spec: one", "spec: two"];
    assert.deepEqual(
      linesOf(kept("FilterPolicy authz"), kept("WasmModule wasm"), kept("Rollout shop"), {
        refused,
        held: { kept: [], leftOut: [{ resource: "FilterPolicy authz", with: "Service shop", fault: ofService }] },
      }),
      [both, both, both, ["spec: bad port"]],
    );
  });

  it("marks the version of the source", () => {
    assert.equal(sourceVersion("v1", []), "v1");
    assert.match(sourceVersion("v1", ["one"]), /^v1\+[0-9a-f]{16}$/);
    assert.notEqual(sourceVersion("v1", ["one"]), sourceVersion("v1", ["two"]));
  });
});
