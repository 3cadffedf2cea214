// What a token costs, by algorithm: at first sight and again, beside Envoy's own jwt_authn. See README.md.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ALGORITHMS, JWKS, sign, type Algorithm } from "../filters/testing/keys.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { nativeFilter, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { quantile } from "./measure.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "20000" },
    only: { type: "string", default: "" },
  },
});

const none = "none";
const issuer = "https://issuer.example";

/** The same token at every request: with a cache it is known, without one it is as if it had never been seen. */
async function variantsOf(algorithm: Algorithm): Promise<Variant[]> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub: "bench", iat: now, exp: now + 3600 };
  const token = await sign(algorithm, claims, { kid: "bench", typ: "JWT" });
  const localJwks = { keys: [{ ...JWKS[algorithm], kid: "bench", use: "sig" }] };
  const headers = { "user-agent": "bench" };
  const base = { path: "/products/17", headers: { ...headers, authorization: `Bearer ${token}` } };
  const ours = (tokenCacheSize: number): Json =>
    wasmFilter("authz", join(root, "build", "authz.wasm"), {
      jwtProviders: [{ name: "bench", issuer, forward: true, localJwks }],
      tokenCacheSize,
      rules: [{ name: "members", action: "allow" }],
    });
  const native = (cache: object): Json =>
    nativeFilter("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", {
      providers: {
        bench: { issuer, forward: true, local_jwks: { inline_string: JSON.stringify(localJwks) }, ...cache },
      },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "bench" } }],
    });
  return [
    { name: none, filters: [], path: base.path, headers },
    { name: "authz, first sight", baseline: none, filters: [ours(0)], ...base },
    { name: "jwt_authn", baseline: none, filters: [native({})], ...base },
    { name: "authz, again", baseline: none, filters: [ours(1024)], ...base },
    { name: "jwt_authn with its cache", baseline: none, filters: [native({ jwt_cache_config: {} })], ...base },
    { name: "the header alone", baseline: none, filters: [], ...base },
  ];
}

function print(algorithm: string, all: readonly Running[]): void {
  const cells = all.slice(1).map((running) => addedCells(addedCosts(running, all)));
  const medians = all.slice(1).map((running) => quantile(addedCosts(running, all), 0.5));
  const [first = NaN, native = NaN, again = NaN, cached = NaN] = medians;
  const ratios = [first / native, again / native, again / cached].map((ratio) => ratio.toFixed(2));
  printRow([algorithm, ...cells.map(([median, quartiles]) => `${median} (${quartiles})`), ...ratios]);
}

await buildFilters(["authz"]);
const columns = ["first sight", "jwt_authn", "again", "jwt_authn, cache", "header alone"];
const shares = ["first / jwt_authn", "again / jwt_authn", "again / cache"];
printRow(["", ...columns, ...shares]);
printRow(Array<string>(1 + columns.length + shares.length).fill("---"));
for (const algorithm of ALGORITHMS.filter((name) => flags.only === "" || flags.only.split(",").includes(name))) {
  await compare(await variantsOf(algorithm), Number(flags.rounds), Number(flags.requests), (all) =>
    print(algorithm, all),
  );
}
