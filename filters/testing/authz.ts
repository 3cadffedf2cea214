// What the tests of authz share.

import { createHash } from "node:crypto";
import { Envoys, statusOf, type Envoy, type Request, type Worker } from "./filter.ts";
import { RSA_JWK, sign } from "./keys.ts";

export type Headers = readonly (readonly [string, string])[];

export const ISSUER = "https://id.example";
/** When the clock of a test begins, in seconds since 1970. */
export const NOW = Date.UTC(2026, 0, 1) / 1000;
export const CLAIMS = {
  iss: ISSUER,
  sub: "alice",
  exp: NOW + 600,
  scope: "read write",
  tenant: { id: 7, admins: ["alice"] },
};

export const provider = { name: "corp", issuer: ISSUER, localJwks: { keys: [RSA_JWK] } };
export const apiKeys = {
  keys: [
    { name: "billing", sha256: sha256("billing-key") },
    { name: "ci", sha256: sha256("ci-key-old") },
    { name: "ci", sha256: sha256("ci-key-new").toUpperCase() },
  ],
};

export const everybody = { principals: [{ any: true }] };
export const publicPath = { name: "public", action: "allow", paths: [{ prefix: "/public" }], ...everybody };
export const members = { name: "members", action: "allow" };

/** A token of `provider` with `CLAIMS`. */
export const TOKEN = await sign("RS256", CLAIMS);

export const bearer = (token = TOKEN): Headers => [["authorization", `Bearer ${token}`]];
export const key = (value: string): Headers => [["x-api-key", value]];

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The status of a request and why it was refused, as `403 rule[name]`; `200` if it was not. */
export function outcome(filter: Worker, request: Request): string {
  const stream = filter.send(request);
  const details = stream.localResponse?.details.replace("authz.denied.", " ") ?? "";
  return `${statusOf(stream)}${details}`;
}

/** Gives the tests of a file workers with the filter, and stops them when the tests have run. */
export class Authz {
  readonly #envoys = new Envoys("authz");
  #newest: Envoy | undefined;

  get module(): Promise<Uint8Array> {
    return this.#envoys.module;
  }

  /** The Envoy of the newest worker. */
  get envoy(): Envoy {
    if (this.#newest === undefined) throw new Error("no worker was started yet");
    return this.#newest;
  }

  /** The worker of a new Envoy. */
  async worker(configuration: object): Promise<Worker> {
    this.#newest = await this.#envoys.start();
    return this.#newest.worker(configuration);
  }
}
