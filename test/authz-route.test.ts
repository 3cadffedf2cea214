// When Envoy chooses the route again after authz has left claims of a token for routes to match on.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { JWKS, sign } from "../filters/testing/keys.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";

const HEADER = { claimToHeaders: [{ claim: "tenant", header: "x-tenant" }] };
const STATE = { claimToState: [{ claim: "tenant", state: "tenant" }] };

/** By the name of the listener, settings of the provider. */
const providers = {
  header: HEADER,
  "header, forwarded": { ...HEADER, forward: true },
  payload: { payloadHeader: "x-payload", forward: true },
  "header, cleared": { ...HEADER, forward: true, clearRouteCache: true },
  state: STATE,
  "state, forwarded": { ...STATE, forward: true },
  "state, cleared": { ...STATE, forward: true, clearRouteCache: true },
};

const state = { key: "wasm.authz.claim.tenant", string_match: { exact: "acme" } };
const routes = [
  { name: "by-header", match: { prefix: "/", headers: [{ name: "x-tenant", string_match: { exact: "acme" } }] } },
  { name: "by-payload", match: { prefix: "/", headers: [{ name: "x-payload", present_match: true }] } },
  { name: "by-state", match: { prefix: "/", filter_state: [state] } },
  { name: "by-nothing", match: { prefix: "/" } },
].map((route) => ({ ...route, direct_response: { status: 200 } }));

let envoy: FilterEnvoy;
let token = "";

before(async () => {
  await buildFilters(["authz"]);
  token = await sign("ES256", {
    iss: "https://issuer.example",
    tenant: "acme",
    exp: Math.floor(Date.now() / 1000) + 3600,
  });
  const module = join(root, "build", "authz.wasm");
  const chains = Object.entries(providers).map(([name, more]) => {
    const provider = { name: "p", issuer: "https://issuer.example", localJwks: { keys: [JWKS.ES256] }, ...more };
    const rules = [{ name: "tenants", action: "allow", principals: [{ issuer: "https://issuer.example" }] }];
    return [name, [wasmFilter("authz", module, { jwtProviders: [provider], rules })]] as const;
  });
  envoy = await FilterEnvoy.start(Object.fromEntries(chains), [], { routes, tell: { route: "%ROUTE_NAME%" } });
});
after(() => envoy.stop());

const routeOf = async (chain: keyof typeof providers): Promise<string | undefined> => {
  const answer = await envoy.get(chain, "/", [`authorization: Bearer ${token}`]);
  assert.equal(answer.status, 200, answer.head);
  return answer.seen.get("route");
};

test("after a write to the request headers it does so by itself, whatever clearRouteCache says", async () => {
  assert.equal(await routeOf("header"), "by-header");
  assert.equal(await routeOf("header, forwarded"), "by-header");
  assert.equal(await routeOf("header, cleared"), "by-header");
  assert.equal(await routeOf("payload"), "by-payload");
  // The token that the upstream does not get is such a write.
  assert.equal(await routeOf("state"), "by-state");
});

test("for filter state alone clearRouteCache decides", async () => {
  assert.equal(await routeOf("state, forwarded"), "by-nothing");
  assert.equal(await routeOf("state, cleared"), "by-state");
});
