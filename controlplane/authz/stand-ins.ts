// Credentials that are made for a request, so that a rule can be tried without the key of an issuer or the secret of a client.

import { createHash, generateKeyPairSync, pbkdf2Sync, randomBytes, sign, type KeyObject } from "node:crypto";
import type { Json, JsonObject } from "../model/index.ts";
import { InputError } from "../explain/index.ts";
import { isList, objectOr, objectsOf, textOr } from "../explain/index.ts";
import type { RequestSpec } from "./requests.ts";

export type HeaderLine = readonly [name: string, value: string];

/** A configuration that takes the credentials as well, and where the request has them. */
export interface StoodIn {
  readonly configuration: JsonObject;
  readonly headers: readonly HeaderLine[];
  /** Parameters of the query, encoded. */
  readonly parameters: readonly string[];
}

const KEY_ID = "stand-in";
const LIFETIME_SECONDS = 60;

let keyPair: { publicKey: KeyObject; privateKey: KeyObject } | undefined;

/**
 * Adds what a request asks for by `apiKey`, `token` and `user`. Nothing else of the configuration changes; what is made is in no output.
 * @param now seconds since 1970.
 * @throws InputError if the configuration has no key, provider or user of the name.
 */
export function standIn(configuration: JsonObject, { apiKey, token, user }: RequestSpec, now: number): StoodIn {
  const credentials = new Credentials();
  let changed = configuration;
  if (apiKey !== undefined) changed = withApiKey(changed, apiKey, credentials);
  if (token !== undefined) changed = withToken(changed, token, now, credentials);
  if (user !== undefined) changed = withUser(changed, user, credentials);
  return { configuration: changed, headers: credentials.headers, parameters: credentials.parameters };
}

class Credentials {
  readonly headers: HeaderLine[] = [];
  readonly parameters: string[] = [];

  /** Puts a credential into the first place in which the filter looks for it. */
  put(value: string, places: JsonObject, header: HeaderLine | undefined, usual: HeaderLine): void {
    const [parameter] = isList(places["fromParams"]) ? places["fromParams"] : [];
    const [cookie] = isList(places["fromCookies"]) ? places["fromCookies"] : [];
    const [name, prefix] = header ?? usual;
    if (header === undefined && typeof parameter === "string") this.parameters.push(`${parameter}=${value}`);
    else if (header === undefined && typeof cookie === "string") this.headers.push(["cookie", `${cookie}=${value}`]);
    else this.headers.push([name, `${prefix}${value}`]);
  }
}

function withApiKey(configuration: JsonObject, name: string, credentials: Credentials): JsonObject {
  const apiKeys = objectOr(configuration["apiKeys"]);
  const keys = objectsOf(apiKeys["keys"]);
  const key = named(keys, name, "API key");
  const secret = randomBytes(32).toString("base64url");
  const header = apiKeys["header"];
  credentials.put(secret, apiKeys, typeof header === "string" ? [header, ""] : undefined, ["x-api-key", ""]);
  const sha256 = createHash("sha256").update(secret).digest("hex");
  return { ...configuration, apiKeys: { ...apiKeys, keys: [...keys, { ...key, sha256 }] } };
}

/** Gives the user another password. */
function withUser(configuration: JsonObject, name: string, credentials: Credentials): JsonObject {
  const basic = objectOr(configuration["basic"]);
  const users = objectsOf(basic["users"]);
  const user = named(users, name, "user");
  const password = randomBytes(18).toString("base64url");
  const salt = randomBytes(16);
  const iterations = typeof basic["iterations"] === "number" ? basic["iterations"] : 1000;
  const hash = pbkdf2Sync(password, salt, iterations, 32, "sha256").toString("hex");
  credentials.headers.push(["authorization", `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`]);
  const changed = users.map((other) => (other === user ? { ...user, salt: salt.toString("hex"), hash } : other));
  return { ...configuration, basic: { ...basic, users: changed } };
}

function withToken(
  configuration: JsonObject,
  { provider: name, claims = {} }: NonNullable<RequestSpec["token"]>,
  now: number,
  credentials: Credentials,
): JsonObject {
  const providers = objectsOf(configuration["jwtProviders"]);
  const provider = named(providers, name, "JWT provider");
  const [place] = objectsOf(provider["fromHeaders"]);
  const header: HeaderLine | undefined = place && [textOr(place["name"], ""), textOr(place["prefix"], "")];
  credentials.put(tokenOf(provider, claims, now), provider, header, ["authorization", "Bearer "]);
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
  const [type] = isList(provider["types"]) ? provider["types"] : [];
  const header = { alg: "ES256", kid: KEY_ID, ...(type !== undefined && { typ: type }) };
  const text = `${encode(header)}.${encode(kept)}`;
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
  throw new InputError(`the configuration has no ${what} of the name ${JSON.stringify(name)}; ${there}`);
}
