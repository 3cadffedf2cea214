// What a client of a real Envoy gets from the filter ratelimit.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configurationOf, directResponse, wasmFilter } from "../bench/configuration.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

let envoy: Envoy;
let port = 0;

before(async () => {
  await buildFilters(["ratelimit"]);
  const filter = wasmFilter("ratelimit", join(root, "build", "ratelimit.wasm"), {
    limits: [{ name: "two", tokenBucket: { maxTokens: 2, fillInterval: "1h" }, key: [{ header: "x-key" }] }],
    headers: "both",
    response: { format: "json" },
  });
  const [first = 0, adminPort = 0] = await freePorts(2);
  port = first;
  const variant = { name: "ratelimit", filters: [filter], routes: [directResponse], path: "/", headers: {} };
  envoy = await Envoy.start("ratelimit", configurationOf(variant, port, adminPort), adminPort);
  await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
});

after(() => envoy.stop());

test("a client sees its quota shrink, and problem details once it is used up", async () => {
  const answers = [];
  for (let i = 0; i < 3; ++i) answers.push(await get(port, "/", { headers: { "x-key": "a" } }));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers["ratelimit"], headers["x-ratelimit-remaining"]]),
    [
      [200, `"two";r=1;t=3600`, "1"],
      [200, `"two";r=0;t=7200`, "0"],
      [429, `"two";r=0;t=7200`, "0"],
    ],
  );
  const [, , refused] = answers;
  assert.equal(refused?.headers["content-type"], "application/problem+json");
  assert.equal(refused.headers["retry-after"], "3600");
  assert.equal(refused.headers["ratelimit-policy"], `"two";q=2;w=7200`);
  assert.deepEqual(JSON.parse(refused.body), {
    title: "rate limited",
    status: 429,
    limit: "two",
    retryAfter: 3600,
  });
});
