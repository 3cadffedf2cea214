import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { KeyError, parseKey, readKeys, signImage, verifyDetached, verifyImageSignature } from "./index.ts";

// The example of minisign's documentation, and the tests of the crate minisign-verify 0.2.5: signatures of "test" with its key.
const minisignKey =
  "untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
const minisign = {
  prehashed: `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==`,
  legacy: `untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==`,
};

/** Made by `cosign sign --key`; they stand in the tests of StackRox. */
const cosign = [
  {
    from: "another image",
    key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE04soAoNygRhaytCtygPcwsP+6Ein\nYoDv/BJx1T9WmtsANh2HplRR66Fbm+3OjFuah2IhFufPhDl6a85I3ymVYw==",
    repository: "ttl.sh/d8d3892d-48bd-4671-a546-2e70a900b702",
    digest: "sha256:ee89b00528ff4f02f2405e4ee221743ebc3f8e8dd0bfd5c4c20a2fa2aaa7ede3",
    signature: "MEUCIDGMmJyxVKGPxvPk/QlRzMSGzcI8pYCy+MB7RTTpegzTAiEArssqWntVN8oJOMV0Aey0zhsNqRmEVQAYZNkn8hkAnXI=",
  },
  {
    from: "one image",
    key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwz6a8oxByJq9s8kCxvk7RStygmDV\n0uXX5qYHbN5sxY8lblhLk9uOr1nFOhNAJua95zL6EwCI2wFykRwqgF1BLg==",
    repository: "ttl.sh/88795dd4-270c-4eb7-b3d4-50241d5bc04c",
    digest: "sha256:f2e98ad37e4970f48e85946972ac4acb5574c39f27c624efbd9b17a3a402bfe4",
    signature: "MEQCIDsFckfIg/uxqSGvf4UC4c9MzAVhuHwzq3NnYovbobYfAiAw31/xz56hS9xRl/xhRV7+RqOl3hXYi7UKO+q7q+kOxQ==",
  },
];
const pem = (base64: string): string => `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
const payloadOf = (repository: string, digest: string): Buffer =>
  Buffer.from(
    `{"critical":{"identity":{"docker-reference":"${repository}"},"image":{"docker-manifest-digest":"${digest}"},"type":"cosign container image signature"},"optional":null}`,
  );

describe("signatures of minisign", () => {
  const keys = [parseKey("release", minisignKey)];
  for (const [kind, signature] of Object.entries(minisign)) {
    test(`${kind}: of the module, and of no other`, () => {
      assert.equal(verifyDetached(Buffer.from("test"), signature, keys).name, "release");
      assert.equal(
        verifyDetached(Buffer.from("test"), `${signature.replaceAll("\n", "\r\n")}\r\n`, keys).name,
        "release",
      );
      assert.throws(() => verifyDetached(Buffer.from("Test"), signature, keys), /names the key release, and is not/);
    });

    test(`${kind}: with another comment it is refused`, () => {
      const changed = signature.replace("file:test", "file:best");
      assert.throws(() => verifyDetached(Buffer.from("test"), changed, keys), /is not one of this module/);
    });
  }

  test("a bit that is changed anywhere is seen", () => {
    const [first = "", line = "", comment = "", last = ""] = minisign.prehashed.split("\n");
    for (const at of [2, 9, 10, 40, 73]) {
      const bytes = Buffer.from(line, "base64");
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const changed = [first, bytes.toString("base64"), comment, last].join("\n");
      assert.throws(() => verifyDetached(Buffer.from("test"), changed, keys), { name: "SignatureError" });
    }
  });

  test("of another key it is refused, with the key's name as minisign shows it", () => {
    const other = Buffer.from("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", "base64");
    other[2] = 0;
    const wrong = [parseKey("other", other.toString("base64"))];
    assert.throws(
      () => verifyDetached(Buffer.from("test"), minisign.prehashed, wrong),
      /of the key E7620F1842B4E81F of minisign, which is none of the keys other/,
    );
    assert.throws(() => verifyDetached(Buffer.from("test"), minisign.prehashed, []), /of which none is of this kind/);
  });

  for (const text of ["untrusted comment: x", `untrusted comment: x\n${"A".repeat(100)}\ntrusted comment: \nAA==`]) {
    test(`half of one is refused: ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.throws(() => verifyDetached(Buffer.from("test"), text, keys), /not whole|no known kind/);
    });
  }
});

describe("signatures of images, by cosign", () => {
  for (const { from, key, repository, digest, signature } of cosign) {
    const keys = [parseKey("cosign", pem(key))];
    const payload = payloadOf(repository, digest);
    test(`${from}: of this image, and of no other`, () => {
      assert.equal(verifyImageSignature({ payload, signature }, ["sha256:0", digest], keys).name, "cosign");
      assert.throws(
        () => verifyImageSignature({ payload, signature }, [`sha256:${"0".repeat(64)}`], keys),
        new RegExp(`is the image ${digest}, not sha256:0000`),
      );
      const other = payloadOf(repository, `sha256:${"0".repeat(64)}`);
      assert.throws(
        () => verifyImageSignature({ payload: other, signature }, [`sha256:${"0".repeat(64)}`], keys),
        /not one of the keys cosign/,
      );
    });
  }

  test("of another key, or of no key, they are refused", () => {
    const [one, other] = cosign;
    assert.ok(one && other);
    const payload = payloadOf(one.repository, one.digest);
    const image = { payload, signature: one.signature };
    assert.throws(() => verifyImageSignature(image, [one.digest], [parseKey("b", pem(other.key))]), /keys b/);
    assert.throws(
      () => verifyImageSignature(image, [one.digest], [parseKey("m", minisignKey)]),
      /none is of this kind/,
    );
    assert.throws(() => verifyImageSignature(image, [one.digest], []), /none is of this kind/);
  });

  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const keys = [parseKey("ours", publicKey.export({ type: "spki", format: "pem" }).toString())];
  test("what we sign is what cosign signs, byte for byte, and is verified", () => {
    const [{ repository, digest } = { repository: "", digest: "" }] = cosign;
    const signed = signImage(repository, digest, privateKey);
    assert.deepEqual(Buffer.from(signed.payload), payloadOf(repository, digest));
    assert.equal(verifyImageSignature(signed, [digest], keys).name, "ours");
  });

  for (const [what, text, reason] of [
    ["a blob's", "module", /no JSON/],
    ["something else", '{"critical":{"type":"atomic container signature"}}', /is no image/],
    ["null", "null", /is no image/],
    ["nothing of an image", '{"critical":{"type":"cosign container image signature","image":null}}', /image undefined/],
  ] as const) {
    test(`what is signed is ${what}: refused, though the signature is good`, () => {
      const payload = Buffer.from(text);
      const signature = sign("sha256", payload, privateKey).toString("base64");
      assert.throws(() => verifyImageSignature({ payload, signature }, ["sha256:1"], keys), reason);
    });
  }
});

describe("detached signatures in base64", () => {
  const kinds = [
    ["EC on P-256", generateKeyPairSync("ec", { namedCurve: "prime256v1" })],
    ["Ed25519", generateKeyPairSync("ed25519")],
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ] as const;
  const keys = kinds.map(([name, { publicKey }]) =>
    parseKey(name, publicKey.export({ type: "spki", format: "pem" }).toString()),
  );
  for (const [name, { privateKey }] of kinds) {
    test(`${name}: which of the keys it was is found`, () => {
      const bytes = Buffer.from("module");
      const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
      const signature = sign(name === "Ed25519" ? null : "sha256", bytes, key).toString("base64");
      assert.equal(verifyDetached(bytes, `${signature}\n`, keys).name, name);
      assert.throws(
        () => verifyDetached(Buffer.from("other"), signature, keys),
        /is not one of the keys EC on P-256, Ed/,
      );
    });
  }
  for (const text of ["", "no signature", "AAAA", "-----BEGIN PGP SIGNATURE-----"]) {
    test(`${JSON.stringify(text)} is none`, () => {
      assert.throws(() => verifyDetached(Buffer.from("module"), text, keys), { name: "SignatureError" });
    });
  }
});

describe("keys", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-keys-"));
  after(() => rmSync(folder, { recursive: true }));
  const spki = (key: ReturnType<typeof generateKeyPairSync>["publicKey"]): string =>
    key.export({ type: "spki", format: "pem" }).toString();

  test("of a folder have the names of their files; others are not looked at", () => {
    writeFileSync(join(folder, "release.pub"), minisignKey);
    writeFileSync(join(folder, "cosign.pem"), pem(cosign[0]?.key ?? ""));
    writeFileSync(join(folder, "README"), "no key");
    assert.deepEqual(
      readKeys(folder).map(({ name }) => name),
      ["cosign", "release"],
    );
    writeFileSync(join(folder, "cosign.pub"), pem(cosign[0]?.key ?? ""));
    assert.throws(() => readKeys(folder), /two keys have the name cosign/);
  });

  test("of an empty folder, or of none, are an error: nothing would be trusted, or everything", () => {
    assert.throws(() => readKeys(mkdtempSync(join(folder, "empty-"))), /expected public keys, in files that end in/);
    assert.throws(() => readKeys(join(folder, "none")), /cannot read the folder of keys/);
  });

  const faults: [what: string, text: string, reason: RegExp][] = [
    ["nothing", "", /expected a public key/],
    ["a text", "no key", /expected a public key/],
    [
      "a private key",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      /neither a private key/,
    ],
    ["half a key", pem("MFkw"), /cannot be read as PEM/],
    [
      "a curve that cosign has not",
      spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey),
      /expected EC on P-256/,
    ],
    ["a short key of RSA", spki(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey), /RSA of 2048 bits/],
    ["a signature of minisign", minisign.prehashed, /expected a public key/],
  ];
  for (const [what, text, reason] of faults) {
    test(`${what} is none`, () => {
      assert.throws(
        () => parseKey("k", text),
        (error) => error instanceof KeyError && reason.test(error.message),
      );
    });
  }
});
