// Credentials that are made for a request, so that a rule can be tried without the key of an issuer or the secret of a client.

import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import type { Json, JsonObject } from "../model/index.ts";
import { AuthzError } from "./authz-error.ts";
import { isList, objectOr, objectsOf, textOr } from "./json.ts";
import type { RequestSpec } from "./requests.ts";

export type HeaderLine = readonly [name: string, value: string];

/** A configuration that takes the credentials as well, and the header lines that have them. */
export interface StoodIn {
  readonly configuration: JsonObject;
  readonly headers: readonly HeaderLine[];
}

const KEY_ID = "stand-in";
const LIFETIME_SECONDS = 3600;

let keyPair: { publicKey: KeyObject; privateKey: KeyObject } | undefined;

/**
 * Adds what a request asks for by `apiKey` and `token`. Nothing else of the configuration changes; what is made is in no output.
 * @param now seconds since 1970.
 * @throws AuthzError if the configuration has no key or provider of the name.
 */
export function standIn(configuration: JsonObject, { apiKey, token }: RequestSpec, now: number): StoodIn {
  const headers: HeaderLine[] = [];
  let changed = configuration;
  if (apiKey !== undefined) changed = withApiKey(changed, apiKey, headers);
  if (token !== undefined) changed = withToken(changed, token, now, headers);
  return { configuration: changed, headers };
}

function withApiKey(configuration: JsonObject, name: string, headers: HeaderLine[]): JsonObject {
  const apiKeys = objectOr(configuration["apiKeys"]);
  const keys = objectsOf(apiKeys["keys"]);
  const key = named(keys, name, "API key");
  const secret = randomBytes(32).toString("base64url");
  headers.push([textOr(apiKeys["header"], "x-api-key"), secret]);
  const sha256 = createHash("sha256").update(secret).digest("hex");
  return { ...configuration, apiKeys: { ...apiKeys, keys: [...keys, { ...key, sha256 }] } };
}

function withToken(
  configuration: JsonObject,
  { provider: name, claims = {} }: NonNullable<RequestSpec["token"]>,
  now: number,
  headers: HeaderLine[],
): JsonObject {
  const providers = objectsOf(configuration["jwtProviders"]);
  const provider = named(providers, name, "JWT provider");
  const [location = {}] = objectsOf(provider["fromHeaders"]);
  const header = textOr(location["name"], "authorization");
  const prefix = textOr(location["prefix"], location["name"] === undefined ? "Bearer " : "");
  headers.push([header, `${prefix}${tokenOf(provider, claims, now)}`]);
  const changed = accepting(provider);
  return { ...configuration, jwtProviders: providers.map((other) => (other === provider ? changed : other)) };
}

function tokenOf(provider: JsonObject, claims: JsonObject, now: number): string {
  const [audience] = isList(provider["audiences"]) ? provider["audiences"] : [];
  const payload: Record<string, Json> = {
    iss: provider["issuer"] ?? "",
    ...(audience === undefined ? {} : { aud: audience }),
    iat: now,
    exp: now + LIFETIME_SECONDS,
    ...claims,
  };
  const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null));
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "ES256", kid: KEY_ID })}.${encode(kept)}`;
  const signature = sign("sha256", Buffer.from(text), { key: keys().privateKey, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** The provider with our key beside its own; what it would fetch is left out. */
function accepting(provider: JsonObject): JsonObject {
  const rest = Object.fromEntries(Object.entries(provider).filter(([field]) => field !== "remoteJwks"));
  const own = objectsOf(objectOr(provider["localJwks"])["keys"]);
  const { kty, crv, x, y } = keys().publicKey.export({ format: "jwk" });
  const jwk = { kty: String(kty), crv: String(crv), x: String(x), y: String(y), kid: KEY_ID, alg: "ES256" };
  const algorithms = isList(provider["algorithms"]) ? provider["algorithms"] : undefined;
  return {
    ...rest,
    localJwks: { keys: [...own, jwk] },
    ...(algorithms !== undefined && { algorithms: [...new Set([...algorithms, "ES256"])] }),
  };
}

function keys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return (keyPair ??= generateKeyPairSync("ec", { namedCurve: "P-256" }));
}

function named(objects: readonly JsonObject[], name: string, what: string): JsonObject {
  const found = objects.find((object) => object["name"] === name);
  if (found !== undefined) return found;
  const names = objects.flatMap((object) => (typeof object["name"] === "string" ? [object["name"]] : []));
  const there = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
  throw new AuthzError(`the configuration has no ${what} of the name ${JSON.stringify(name)}; ${there}`);
}
