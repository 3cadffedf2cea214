import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pullCredentials } from "./pull-secrets.ts";

const config = (registry: string, auth: string): Record<string, string> => ({
  ".dockerconfigjson": Buffer.from(JSON.stringify({ auths: { [registry]: { auth } } })).toString("base64"),
});
const secrets: Readonly<Record<string, object>> = {
  "/api/v1/namespaces/n/secrets/a": { type: "kubernetes.io/dockerconfigjson", data: config("other.example", "no") },
  "/api/v1/namespaces/n/secrets/b.c": { type: "kubernetes.io/dockerconfigjson", data: config("r.example", "yes") },
  "/api/v1/namespaces/n/secrets/opaque": { type: "Opaque", data: config("r.example", "yes") },
};
const api = {
  get: (path: string): Promise<unknown> => {
    const found = secrets[path];
    return found === undefined ? Promise.reject(new Error("secrets not found")) : Promise.resolve(found);
  },
};

describe("imagePullSecrets", () => {
  test("the first that knows the registry counts", async () => {
    assert.equal(await pullCredentials(api, "r.example", ["a.n", "b.c.n"]), "yes");
    assert.equal(await pullCredentials(api, "unknown.example", ["a.n", "b.c.n"]), undefined);
  });

  test("one that is not there, or of another type, is an error", async () => {
    await assert.rejects(pullCredentials(api, "r.example", ["missing.n"]), /not found/);
    await assert.rejects(
      pullCredentials(api, "r.example", ["opaque.n"]),
      /kubernetes:n\/Secret\/opaque: expected the type/,
    );
    await assert.rejects(pullCredentials(api, "r.example", ["nowhere"]), /in no namespace/);
  });
});
