import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import { root } from "../../setup/paths.mjs";
import { imported } from "./testing.ts";

const schema = JSON.parse(readFileSync(join(root, "filters", "authz", "schema.json"), "utf8")) as {
  definitions: object;
};
const isValid = new Ajv({ strict: false }).compile({
  $ref: "#/definitions/remoteJwks",
  definitions: schema.definitions,
});

const imports = (uri: string, more = "", timeout = "1s"): ReturnType<typeof imported> =>
  imported(
    `providers: { a: { issuer: a, remote_jwks: { http_uri: { uri: "${uri}", cluster: id, timeout: ${timeout} }${more} } } }\n` +
      "rules: [{ match: { prefix: / }, requires: { provider_name: a } }]\n",
  );

const rows: readonly (readonly [what: string, result: ReturnType<typeof imports>, keys: object, note?: RegExp])[] = [
  [
    "HTTPS, as in Envoy's documentation",
    imports("https://id.example/certs", ", cache_duration: 300s", "5s"),
    { path: "/certs", authority: "id.example", timeout: "5s", refresh: "300s" },
  ],
  [
    "a port, a query and a fraction of a second",
    imports("https://id.example:8443/certs?x=%201", "", "0.25s"),
    { path: "/certs?x=%201", authority: "id.example:8443", timeout: "250ms" },
  ],
  ["no path", imports("https://id.example", "", "1.5s"), { path: "/", authority: "id.example", timeout: "1s500ms" }],
  ["HTTP", imports("http://id.example/"), { path: "/", authority: "id.example", scheme: "http", timeout: "1s" }],
  [
    "times beyond what the filter allows",
    imports("https://id.example/", ", cache_duration: 604800s", "0.001s"),
    { path: "/", authority: "id.example", timeout: "100ms", refresh: "86400s" },
    /note: .*timeout: the filter allows 100ms to 60s: 100ms.*note: .*cache_duration: the filter allows 1s to 86400s/s,
  ],
];

for (const [what, { configurations, findings }, keys, note] of rows) {
  void test(`keys that Envoy fetches: ${what}`, () => {
    const remoteJwks = configurations["authz"]?.jwtProviders?.[0]?.remoteJwks;
    assert.deepEqual(remoteJwks, { cluster: "id", ...keys });
    assert.ok(isValid(remoteJwks), JSON.stringify(isValid.errors));
    assert.ok(findings.every((finding) => finding.includes(": note: ")));
    if (note !== undefined) assert.match(findings.join("\n"), note);
  });
}

void test("a duration that is none is an error", () => {
  const { findings } = imports("https://id.example/", ", cache_duration: 5m");
  assert.match(findings.join("\n"), /error: .*cache_duration: expected a duration in seconds such as "5s", found "5m"/);
});
