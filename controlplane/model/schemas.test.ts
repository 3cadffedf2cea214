import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import { readDocuments } from "./document.ts";

const json = (name: string): object =>
  JSON.parse(readFileSync(new URL(`schemas/${name}`, import.meta.url), "utf8")) as object;

describe("the schema for editors", () => {
  // As an editor has it: without our options, and with nothing but the files.
  const ajv = new Ajv({ strict: false });
  for (const name of [
    ...["metadata.json", "service.json", "route.json", "http-route.json"],
    ...[
      "grpc-route.json",
      "wasm-module.json",
      "filter-policy.json",
      "quota.json",
      "rollout.json",
      "envoy-patch.json",
      "telemetry.json",
      "mesh.json",
      "certificate.json",
    ],
  ]) {
    ajv.addSchema(json(name), name);
  }
  const validate = ajv.compile(json("resource.json"));
  const text = readFileSync(new URL("../translate/testdata/mesh.yaml", import.meta.url), "utf8");
  const { documents } = readDocuments({ path: "mesh.yaml", text });

  it("takes every resource", () => {
    for (const { value } of documents) assert.ok(validate(value), JSON.stringify(validate.errors));
  });

  it("refuses an unknown field of each kind, and an unknown kind", () => {
    for (const { value } of documents) assert.ok(!validate({ ...(value as object), more: 1 }));
    assert.ok(!validate({ apiVersion: "v1", kind: "Pod" }));
  });
});
