import assert from "node:assert/strict";
import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { Status } from "../abi/enums.ts";
import { signText, verifySignature } from "./crypto.ts";
import { encodeFields, Fields } from "./protobuf.ts";
import type { ForeignHost } from "./registry.ts";

const host: ForeignHost = {
  clearRouteCache: () => undefined,
  setEnvoyFilterState: () => Status.NotFound,
  declareProperty: () => Status.Ok,
  property: () => undefined,
  machine: {},
  resultLimit: 1024,
};

const TEXT = Buffer.from("header.payload");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const k256 = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
const ed25519 = generateKeyPairSync("ed25519");

const der = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });
const pem = (key: KeyObject): string => key.export({ format: "pem", type: "spki" }).toString();

function verify(hash: string, key: Buffer | string, signature: Buffer): [result: boolean, error: string] {
  const field = typeof key === "string" ? 5 : 2;
  const { status, result } = verifySignature(encodeFields({ 1: hash, [field]: key, 3: signature, 4: TEXT }), host);
  assert.equal(status, Status.Ok);
  const fields = Fields.parse(result ?? new Uint8Array());
  assert.ok(fields);
  return [fields.number(1) === 1, fields.text(2)];
}

const OK = [true, ""];
const WRONG = [false, "Failed to verify digest. Error code: 0"];
const UNUSABLE = [false, "Failed to initialize digest verify."];

// What Envoy 1.40 answers to the same.
const cases: [name: string, actual: () => [boolean, string], expected: unknown][] = [
  ["RS256", () => verify("sha256", der(rsa.publicKey), sign("sha256", TEXT, rsa.privateKey)), OK],
  ["RS384", () => verify("sha384", der(rsa.publicKey), sign("sha384", TEXT, rsa.privateKey)), OK],
  ["RS512, the hash in capitals", () => verify("SHA512", der(rsa.publicKey), sign("sha512", TEXT, rsa.privateKey)), OK],
  ["RS256 with a PEM key", () => verify("sha256", pem(rsa.publicKey), sign("sha256", TEXT, rsa.privateKey)), OK],
  ["RS256 with another hash", () => verify("sha384", der(rsa.publicKey), sign("sha256", TEXT, rsa.privateKey)), WRONG],
  ["ES256, DER", () => verify("sha256", der(p256.publicKey), sign("sha256", TEXT, p256.privateKey)), OK],
  ["ES384, DER", () => verify("sha384", der(p384.publicKey), sign("sha384", TEXT, p384.privateKey)), OK],
  ["ES512, DER", () => verify("sha512", der(p521.publicKey), sign("sha512", TEXT, p521.privateKey)), OK],
  [
    "ES256, raw",
    () =>
      verify("sha256", der(p256.publicKey), sign("sha256", TEXT, { key: p256.privateKey, dsaEncoding: "ieee-p1363" })),
    WRONG,
  ],
  ["no signature", () => verify("sha256", der(p256.publicKey), Buffer.alloc(0)), WRONG],
  ["ES256K", () => verify("sha256", der(k256.publicKey), sign("sha256", TEXT, k256.privateKey)), UNUSABLE],
  [
    "PS256 with an RSA key",
    () =>
      verify(
        "sha256",
        der(rsa.publicKey),
        sign("sha256", TEXT, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
      ),
    WRONG,
  ],
  ["PS256 with a PSS key", () => verify("sha256", der(pss.publicKey), sign("sha256", TEXT, pss.privateKey)), UNUSABLE],
  ["Ed25519", () => verify("sha512", der(ed25519.publicKey), sign(null, TEXT, ed25519.privateKey)), UNUSABLE],
  [
    "Ed25519 without a hash",
    () => verify("", der(ed25519.publicKey), sign(null, TEXT, ed25519.privateKey)),
    [false, " is not supported."],
  ],
  ["md5", () => verify("md5", der(rsa.publicKey), Buffer.from("x")), [false, "md5 is not supported."]],
  ["a key that is none", () => verify("sha256", Buffer.from("garbage"), Buffer.from("x")), UNUSABLE],
  ["a PEM key that is none", () => verify("sha256", "garbage", Buffer.from("x")), UNUSABLE],
  [
    "a private key in place of a public one",
    () =>
      verify(
        "sha256",
        rsa.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
        sign("sha256", TEXT, rsa.privateKey),
      ),
    UNUSABLE,
  ],
];
for (const [name, actual, expected] of cases) test(name, () => assert.deepEqual(actual(), expected));

test("bad arguments", () => {
  const key = der(p256.publicKey);
  const both = { 1: "sha256", 2: key, 3: "x" };
  for (const [call, argument] of [
    [verifySignature, encodeFields({ 1: "sha256", 3: "x", 4: "y" })],
    [verifySignature, encodeFields({ ...both, 5: pem(p256.publicKey) })],
    [verifySignature, Uint8Array.of(0xff)],
    [signText, encodeFields({ 1: "sha256", 3: "x" })],
    [signText, encodeFields({ ...both, 4: "pem" })],
    [signText, Uint8Array.of(0xff)],
  ] as const) {
    assert.deepEqual(call(argument, host), { status: Status.BadArgument });
  }
});

test("what sign signs, verify_signature verifies", () => {
  for (const { privateKey } of [rsa, p256]) {
    const key = privateKey.export({ format: "der", type: "pkcs8" });
    const { result } = signText(encodeFields({ 1: "sha256", 2: key, 3: TEXT }), host);
    const fields = Fields.parse(result ?? new Uint8Array());
    assert.equal(fields?.number(1), 1);
    assert.deepEqual(verify("sha256", der(createPublicKey(privateKey)), Buffer.from(fields.bytes(2))), OK);
  }
});
