import "reflect-metadata"; // which @peculiar/x509 needs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import fc from "fast-check";
import { Authority, CertificateError, urisOf } from "./authority.ts";
import { openStateAuthority, readStateAuthority } from "./state-authority.ts";
import { put, scratchFolder, testAuthority, type TestAuthority } from "./testdata/fixtures.ts";

const folder = scratchFolder();
after(() => folder.remove());
const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });

const hour = 3_600_000;
const uri = "spiffe://cluster.local/ns/default/sa/web";

describe("an authority", () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await testAuthority();
  });

  test("issues what openssl verifies: for servers and clients, and for nothing else", async () => {
    const ca = put(folder.path, "ca.pem", authority.certificate);
    const issued = await authority.issue(uri, { hosts: ["plane.example", "10.0.0.1", "::1"] });
    const leaf = put(folder.path, "leaf.pem", issued.certificate);
    for (const purpose of ["sslserver", "sslclient"])
      assert.match(openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca, leaf), /: OK/);
    assert.throws(() => openssl("verify", "-purpose", "smimesign", "-CAfile", ca, leaf));

    const text = openssl("x509", "-in", leaf, "-noout", "-text");
    assert.match(
      text,
      /URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/web, DNS:plane\.example, IP Address:10\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/,
    );
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
    assert.match(text, /ASN1 OID: prime256v1/);
    assert.match(openssl("x509", "-in", ca, "-noout", "-text"), /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    assert.deepEqual(urisOf(new X509Certificate(issued.certificate).raw), [uri]);
    assert.ok(
      new X509Certificate(issued.certificate).checkPrivateKey(
        (await import("node:crypto")).createPrivateKey(issued.privateKey),
      ),
    );
  });

  test("two certificates share neither key nor serial number", async () => {
    const [one, other] = await Promise.all([authority.issue(uri), authority.issue(uri)]);
    const [a, b] = [new X509Certificate(one.certificate), new X509Certificate(other.certificate)];
    assert.notEqual(a.serialNumber, b.serialNumber);
    assert.notEqual(one.privateKey, other.privateKey);
  });

  test("a certificate never outlives its authority, and one that ended issues nothing", async () => {
    const long = await authority.issue(uri, { lifetimeMs: 100 * 365 * 24 * hour });
    assert.equal(long.notAfter, Date.parse(new X509Certificate(authority.certificate).validTo));
    const files = ["-keyout", join(folder.path, "old.key"), "-out", join(folder.path, "old.pem")];
    const dates = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"];
    try {
      openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=old",
        ...files,
        ...dates,
      );
    } catch {
      return; // This openssl cannot date certificates.
    }
    const old = { certificate: readFileSync(files[3] ?? "", "utf8"), privateKey: readFileSync(files[1] ?? "", "utf8") };
    await assert.rejects(Authority.load(old), /the certificate ended at/);
  });

  for (const [what, key] of [
    ["RSA", ["rsa:2048"]],
    ["EC on P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ] as const) {
    test(`one of your own with a key of ${what} issues as well`, async () => {
      const files = ["-keyout", join(folder.path, "own.key"), "-out", join(folder.path, "own.pem")];
      openssl(
        "req",
        "-x509",
        "-newkey",
        ...key,
        "-nodes",
        "-subj",
        "/CN=own/O=Corp, Inc",
        "-days",
        "2",
        "-addext",
        "keyUsage=critical,keyCertSign",
        ...files,
      );
      const own = await Authority.load({
        certificate: readFileSync(files[3] ?? "", "utf8"),
        privateKey: readFileSync(files[1] ?? "", "utf8"),
      });
      const leaf = put(folder.path, "own-leaf.pem", (await own.issue({ uri, lifetimeMs: hour })).certificate);
      assert.match(openssl("verify", "-x509_strict", "-CAfile", files[3] ?? "", leaf), /: OK/);
    });
  }

  test("what is no authority, has another's key, or is no PEM is refused, and no message holds a key", async () => {
    const leaf = await authority.issue(uri);
    const other = await testAuthority();
    const cases: [pair: { certificate: string; privateKey: string }, reason: RegExp][] = [
      [leaf, /none of an authority/],
      [{ certificate: authority.certificate, privateKey: other.privateKey }, /not that of the certificate/],
      [{ certificate: authority.certificate, privateKey: "garbage" }, /private key cannot be read/],
      [{ certificate: "garbage", privateKey: authority.privateKey }, /certificate cannot be read/],
    ];
    for (const [pair, reason] of cases) {
      await assert.rejects(Authority.load(pair), (error: Error) => {
        assert.ok(error instanceof CertificateError);
        assert.match(error.message, reason);
        assert.ok(!error.message.includes(pair.privateKey.slice(30, 60)) || pair.privateKey === "garbage");
        return true;
      });
    }
  });
});

describe("the authority in a state folder", () => {
  test("is made once, also when two start at a time; its key is for its owner only", async () => {
    const state = join(folder.path, "new");
    const [one, other] = await Promise.all([openStateAuthority(state, "corp"), openStateAuthority(state, "corp")]);
    assert.equal(one.certificate, other.certificate);
    assert.deepEqual(readdirSync(state), ["authority"]);
    assert.equal(statSync(join(state, "authority")).mode & 0o777, 0o700);
    assert.equal(statSync(join(state, "authority", "ca.key")).mode & 0o777, 0o600);
    assert.equal(readStateAuthority(state)?.trustDomain, "corp");
    assert.equal((await openStateAuthority(state, "corp")).privateKey, one.privateKey);
  });

  test("of another trust domain is refused, and so is a key that others may read", async () => {
    const state = join(folder.path, "strict");
    await openStateAuthority(state, "corp");
    await assert.rejects(openStateAuthority(state, "other"), /is of the trust domain corp, not other/);
    chmodSync(join(state, "authority", "ca.key"), 0o640);
    assert.throws(() => readStateAuthority(state), /may be read by others: expected mode 600, found 640/);
  });

  test("is not there before it is made", () => assert.equal(readStateAuthority(join(folder.path, "none")), undefined));
});

test("bytes that are no certificate have no names", () => {
  assert.deepEqual(urisOf(Buffer.from("nonsense")), []);
  assert.deepEqual(urisOf(Buffer.alloc(0)), []);
});

describe("the URIs of a certificate", () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const certificateWith = async (
    names: readonly { type: "url" | "dns" | "email"; value: string }[],
  ): Promise<Buffer> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const extensions = names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])];
    const made = await X509CertificateGenerator.createSelfSigned({ keys, signingAlgorithm: algorithm, extensions });
    return Buffer.from(made.rawData);
  };
  const url = (value: string): { type: "url"; value: string } => ({ type: "url", value });
  const dns = (value: string): { type: "dns"; value: string } => ({ type: "dns", value });

  const cases: readonly (readonly [names: Parameters<typeof certificateWith>[0], uris: readonly string[]])[] = [
    [[], []],
    [[dns("web")], []],
    [
      [dns("web"), url("spiffe://corp/a"), url("spiffe://corp/b")],
      ["spiffe://corp/a", "spiffe://corp/b"],
    ],
    // Each of these would be another name if it were read from a plain list.
    [[dns("web, URI:spiffe://corp/a")], []],
    [[dns("web,URI:spiffe://corp/a"), dns('", URI:spiffe://corp/b')], []],
    [[url("spiffe://corp/a, URI:spiffe://corp/b")], ["spiffe://corp/a, URI:spiffe://corp/b"]],
    [
      [url('spiffe://corp/"a'), url("spiffe://corp/\\b")],
      ['spiffe://corp/"a', "spiffe://corp/\\b"],
    ],
    [[url("spiffe://corp/a\nURI:spiffe://corp/b")], ["spiffe://corp/a\nURI:spiffe://corp/b"]],
    [
      [url("spiffe://corp/a b"), url("")],
      ["spiffe://corp/a b", ""],
    ],
    [[{ type: "email", value: "a@b.c, URI:spiffe://corp/a" }, url("spiffe://corp/b")], ["spiffe://corp/b"]],
  ];
  for (const [names, uris] of cases) {
    test(JSON.stringify(names), async () => assert.deepEqual(urisOf(await certificateWith(names)), uris));
  }

  test("are those that it was made with, whatever they hold", async () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from("aZ0/:. ,\"'\\URI\n\u007f")), maxLength: 12 });
    const name = fc.record({ type: fc.constantFrom("url" as const, "dns" as const), value: text });
    const property = fc.asyncProperty(fc.array(name, { maxLength: 4 }), async (names) => {
      const expected = names.filter(({ type }) => type === "url").map(({ value }) => value);
      assert.deepEqual(urisOf(await certificateWith(names)), expected);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
