// Project Wycheproof's vectors, verified by authz's keys in a real Envoy. Where an answer is another than the vectors', the test says why.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { wycheproof } from "../setup/wycheproof.mjs";
import { SignatureEnvoy, type Question } from "./support/signatures.ts";
import { base64url, jwkOf, readVectors, type Case, type Group } from "./support/wycheproof.ts";

const folder = await wycheproof();
assert.ok(folder !== undefined || process.env["CI"] === undefined, "continuous integration needs Go, for the vectors");
const skip = folder === undefined ? "the vectors are a Go module, which could not be had" : false;

let envoy: SignatureEnvoy;
before(async () => {
  if (folder !== undefined) envoy = await SignatureEnvoy.start();
});
after(async () => {
  if (folder !== undefined) await envoy.stop();
});

/** Asks about every case of a file; `asked` gives the question and whether the answer should be that it is good. */
async function ask(file: string, asked: (group: Group, vector: Case) => [Question, boolean]): Promise<void> {
  const { numberOfTests, testGroups } = readVectors(folder ?? "", file);
  const cases = testGroups.flatMap((group) => group.tests.map((vector) => ({ group, vector })));
  assert.equal(cases.length, numberOfTests);
  const differences = await Promise.all(
    cases.map(async ({ group, vector }) => {
      const [question, isGood] = asked(group, vector);
      const reason = await envoy.ask(question);
      if ((reason === "") === isGood) return [];
      return [`${file} ${vector.tcId} (${vector.comment}): expected ${isGood ? "good" : "bad"}, found "${reason}"`];
    }),
  );
  assert.deepEqual(differences.flat(), []);
}

/** A signature by the key of its group. */
function signature(alg: string, { jwk, vector }: { readonly jwk: object; readonly vector: Case }): Question {
  return { keys: [{ ...jwk, alg }], alg, text: base64url(vector.msg), signature: base64url(vector.sig) };
}

const bySize = ["2048", "3072", "4096", "8192"] as const;

describe("RSASSA-PKCS1-v1_5", () => {
  for (const [size, bits] of bySize.flatMap((size) => ["256", "384", "512"].map((bits) => [size, bits] as const))) {
    test(`RS${bits}, ${size} bits`, { skip }, async () => {
      // "acceptable" are a digest's parameters without NULL, which RFC 8017 does not allow.
      await ask(`rsa_signature_${size}_sha${bits}`, (group, vector) => [
        signature(`RS${bits}`, { jwk: jwkOf(group), vector }),
        vector.result === "valid",
      ]);
    });
  }
});

describe("RSASSA-PSS", () => {
  const files = ["2048_sha256_mgf1_32", "3072_sha256_mgf1_32", "4096_sha256_mgf1_32", "2048_sha384_mgf1_48"];
  files.push("4096_sha384_mgf1_48", "4096_sha512_mgf1_64", "misc");
  // Salts and masks that JWS does not have (RFC 7518, section 3.5): each signature is refused.
  files.push("2048_sha256_mgf1_0", "4096_sha512_mgf1_32", "2048_sha256_mgf1sha1_20", "2048_sha1_mgf1_20");
  for (const file of files) {
    test(file, { skip }, async () => {
      await ask(`rsa_pss_${file}`, (group, vector) => {
        const { sha = "", mgfSha, sLen = -1 } = group;
        const bits = /^SHA-(256|384|512)$/.exec(sha)?.[1] ?? "256";
        // Bad because the salt is not the group's, which may be what makes it good for JWS.
        const salt = Number(/^s_len changed to (\d+)$/.exec(vector.comment)?.[1] ?? sLen);
        const isJws = sha === `SHA-${bits}` && mgfSha === sha && salt === Number(bits) / 8;
        const isGood = salt === sLen ? vector.result === "valid" : vector.result === "invalid";
        return [signature(`PS${bits}`, { jwk: jwkOf(group), vector }), isJws && isGood];
      });
    });
  }
});

describe("ECDSA", () => {
  for (const [curve, bits, alg] of [
    ["256r1", "256", "ES256"],
    ["384r1", "384", "ES384"],
    ["521r1", "512", "ES512"],
  ] as const) {
    test(`${alg}, r and s`, { skip }, async () => {
      await ask(`ecdsa_secp${curve}_sha${bits}_p1363`, (group, vector) => [
        signature(alg, { jwk: jwkOf(group), vector }),
        vector.result === "valid",
      ]);
    });

    test(`${alg}: a signature in DER is none of JWS`, { skip }, async () => {
      await ask(`ecdsa_secp${curve}_sha${bits}`, (group, vector) => [
        signature(alg, { jwk: jwkOf(group), vector }),
        false,
      ]);
    });
  }
});

describe("Ed25519", () => {
  test("EdDSA", { skip }, async () => {
    await ask("ed25519", (group, vector) => [
      signature("EdDSA", { jwk: jwkOf(group), vector }),
      vector.result === "valid",
    ]);
  });
});

describe("HMAC", () => {
  for (const bits of ["256", "384", "512"]) {
    // Codes that were cut and keys shorter than the hash are good for HMAC and bad for JWS (RFC 7518, section 3.2).
    test(`HS${bits}`, { skip }, async () => {
      await ask(`hmac_sha${bits}`, ({ tagSize, keySize = 0 }, vector) => {
        const key = { kty: "oct", alg: `HS${bits}`, k: base64url(vector.key) };
        const isJws = tagSize === Number(bits) && keySize >= Number(bits);
        return [
          { keys: [key], alg: `HS${bits}`, text: base64url(vector.msg), signature: base64url(vector.tag) },
          isJws && vector.result === "valid",
        ];
      });
    });
  }
});

/** Answers that are others than the vectors', and why. */
const differences = {
  json_web_signature: new Map([
    [346, "a token with PS384 and a key whose alg is PS256: a key has one algorithm (RFC 8725, section 3.1)"],
    [350, "as 346"],
    [347, "the key's alg is ES521, which does not exist; RFC 7520 has this key without alg, see jws-examples.test.ts"],
    [351, "as 347"],
    [367, "to the letter the same key and token as 357, which is valid: the padding that it should have was lost"],
    [370, "as 367, for the padding of the payload"],
    [372, "a ? in the header is no base64url (RFC 4648, section 3.3)"],
    [373, "a ? in the payload is none either"],
  ]),
  json_web_key: new Map([
    [1, "a set with a secret beside public keys: each key has its own algorithm, so that none is taken for another"],
    [7, "a key with a weakness of one maker's chips (ROCA), which the filter does not look for"],
  ]),
} as const;

for (const file of ["json_web_signature", "json_web_key"] as const) {
  describe(file, () => {
    test("each case", { skip }, async () => {
      const known = differences[file];
      await ask(file, (group, { tcId, jws = "", result }) => {
        const set = group.public ?? group.private ?? {};
        const keys = "keys" in set ? (set.keys as object[]) : [set];
        const token = typeof jws === "string" ? jws : JSON.stringify(jws);
        return [{ keys: keys, jws: token }, (result === "valid") !== known.has(tcId)];
      });
    });
  });
}
