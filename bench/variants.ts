// What is measured: the filters of this repository, each beside what Envoy has for the same job.
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { root } from "../setup/paths.mjs";
import { directResponse, nativeFilter, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { apiKeys, experiments, key, tokenBucket } from "./settings.ts";

const module = (name: string): string => join(root, "build", `${name}.wasm`);
const base = { path: "/products/17", headers: { "x-user-id": "user-4711", "user-agent": "bench" } };
const none = "none";

export function variants(): Variant[] {
  return [{ name: none, filters: [], ...base }, ...authzVariants(), ...ratelimitVariants(), ...abRoutingVariants()];
}

function authzVariants(): Variant[] {
  const rules: Json = [
    { name: "admin", action: "deny", paths: [{ prefix: "/admin" }] },
    { name: "readers", action: "allow", methods: ["GET"], paths: [{ prefix: "/products" }] },
  ];
  const withKey = { ...base, headers: { ...base.headers, "x-api-key": key } };
  const native = (type: string): Variant[] => {
    const { jwks, token } = tokenFor(type);
    const withToken = { ...base, headers: { ...base.headers, authorization: `Bearer ${token}` } };
    const provider = { issuer: "https://issuer.example", forward: true };
    const jwtAuthn = (cache: boolean): Json =>
      nativeFilter("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", {
        providers: {
          bench: {
            ...provider,
            local_jwks: { inline_string: JSON.stringify(jwks) },
            ...(cache ? { jwt_cache_config: {} } : {}),
          },
        },
        rules: [{ match: { prefix: "/" }, requires: { provider_name: "bench" } }],
      });
    const ours = (tokenCacheSize: number): Json =>
      wasmFilter("authz", module("authz"), {
        jwtProviders: [{ name: "bench", ...provider, localJwks: jwks }],
        tokenCacheSize,
        rules,
      });
    return [
      { name: `authz: ${type}, cached`, baseline: none, filters: [ours(1024)], ...withToken },
      {
        name: `native: jwt_authn ${type}, cached, and rbac`,
        baseline: none,
        filters: [jwtAuthn(true), rbac],
        ...withToken,
      },
      { name: `authz: ${type}, no cache`, baseline: none, filters: [ours(0)], ...withToken },
      {
        name: `native: jwt_authn ${type}, no cache, and rbac`,
        baseline: none,
        filters: [jwtAuthn(false), rbac],
        ...withToken,
      },
    ];
  };
  const rbac = nativeFilter("envoy.extensions.filters.http.rbac.v3.RBAC", {
    rules: {
      action: "ALLOW",
      policies: {
        readers: {
          permissions: [
            {
              and_rules: {
                rules: [
                  { url_path: { path: { prefix: "/products" } } },
                  { header: { name: ":method", string_match: { exact: "GET" } } },
                ],
              },
            },
          ],
          principals: [{ any: true }],
        },
      },
    },
  });
  return [
    {
      name: "authz: API key",
      baseline: none,
      filters: [wasmFilter("authz", module("authz"), { apiKeys, rules })],
      ...withKey,
    },
    {
      name: "native: api_key_auth and rbac",
      baseline: none,
      filters: [
        nativeFilter("envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", {
          credentials: [{ key, client: "bench" }],
          key_sources: [{ header: "x-api-key" }],
        }),
        rbac,
      ],
      ...withKey,
    },
    ...native("RS256"),
    ...native("ES256"),
  ];
}

/** A token that is valid for an hour, and the set of keys that verifies it. */
function tokenFor(algorithm: string): { jwks: { keys: Json[] }; token: string } {
  const { publicKey, privateKey } =
    algorithm === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://issuer.example", sub: "bench", iat: now, exp: now + 3600 };
  const text = `${encode({ alg: algorithm, kid: "bench", typ: "JWT" })}.${encode(claims)}`;
  return { jwks: { keys: [publicJwk(publicKey, algorithm)] }, token: `${text}.${signatureOf(text, privateKey)}` };
}

function publicJwk(key: KeyObject, algorithm: string): Json {
  return { ...(key.export({ format: "jwk" }) as { [name: string]: string }), kid: "bench", alg: algorithm, use: "sig" };
}

function signatureOf(text: string, key: KeyObject): string {
  return sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
}

function ratelimitVariants(): Variant[] {
  const ours = (key: Json[] | undefined): Json =>
    wasmFilter("ratelimit", module("ratelimit"), {
      limits: [{ name: "bench", tokenBucket, ...(key === undefined ? {} : { key }) }],
    });
  return [
    { name: "ratelimit: one bucket", baseline: none, filters: [ours(undefined)], ...base },
    { name: "ratelimit: by a header", baseline: none, filters: [ours([{ header: "x-user-id" }])], ...base },
    {
      name: "native: local_ratelimit, one bucket",
      baseline: none,
      filters: [
        nativeFilter("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", {
          stat_prefix: "bench",
          token_bucket: { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" },
          filter_enabled: { default_value: { numerator: 100 } },
          filter_enforced: { default_value: { numerator: 100 } },
          enable_x_ratelimit_headers: "DRAFT_VERSION_03",
        }),
      ],
      ...base,
    },
  ];
}

function abRoutingVariants(): Variant[] {
  const versions = ["v1", "v2"];
  const routes: Json[] = [
    ...versions.map((version): Json => ({
      match: { prefix: "/", headers: [{ name: "x-version", string_match: { exact: version } }] },
      direct_response: { status: 200, body: { inline_string: version } },
    })),
    directResponse,
  ];
  const native: Json = {
    match: { prefix: "/", runtime_fraction: { default_value: { numerator: 20 } } },
    direct_response: { status: 200, body: { inline_string: "v2" } },
  };
  return [
    {
      name: "ab-routing: one experiment",
      baseline: none,
      filters: [
        wasmFilter("ab-routing", module("ab-routing"), {
          experiments,
        }),
      ],
      routes,
      ...base,
    },
    {
      name: "native: a random split by routes (not sticky)",
      baseline: none,
      filters: [],
      routes: [native, directResponse],
      ...base,
    },
  ];
}
