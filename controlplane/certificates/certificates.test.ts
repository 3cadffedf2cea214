import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModel } from "../model/index.ts";
import { CertificateAuthority, type Certificate } from "../../test/support/certificates.ts";
import { loadMaterials } from "./index.ts";
import { MaterialError, readMaterial } from "./material.ts";

describe("the files of a Certificate", () => {
  let authority: CertificateAuthority;
  let pair: Certificate;
  let other: Certificate;
  before(async () => {
    authority = await CertificateAuthority.create("an authority");
    [pair, other] = [await authority.issue("/CN=a", ["DNS:a.example"]), await authority.issue("/CN=b")];
  });
  after(() => authority.remove());

  const fault = (texts: Parameters<typeof readMaterial>[0], now = Date.now()): string => {
    try {
      readMaterial(texts, now);
      return "";
    } catch (error) {
      assert.ok(error instanceof MaterialError);
      return `${error.field}: ${error.message}`;
    }
  };
  const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8" });
  const day = 86_400_000;

  it("are a certificate with its key, authorities, or both", () => {
    const { pair: read, authorities } = readMaterial(
      { certFile: `# a comment\n${pair.cert}${authority.cert}`, keyFile: pair.key, caFile: authority.cert },
      Date.now(),
    );
    assert.equal(read?.chain.match(/BEGIN/g)?.length, 2);
    assert.match(read.privateKey, /^-----BEGIN PRIVATE KEY-----/);
    assert.equal(authorities?.trim(), authority.cert.trim());
  });

  it("have a fingerprint of what they hold, in which the key is not", () => {
    const [one, another] = [pair, other].map(({ cert, key }) =>
      readMaterial({ certFile: cert, keyFile: key }, Date.now()),
    );
    assert.notEqual(one?.fingerprint, another?.fingerprint);
    assert.equal(
      one?.fingerprint,
      readMaterial({ certFile: `${pair.cert}\n`, keyFile: pair.key }, Date.now()).fingerprint,
    );
  });

  it("are refused with the reason", () => {
    const { cert: certFile, key: keyFile } = pair;
    assert.match(
      fault({ certFile, keyFile: other.key }),
      /^keyFile: the private key is not that of the certificate \(CN=a; DNS:a\.example\)$/,
    );
    assert.match(fault({ certFile: keyFile, keyFile }), /^certFile: expected certificates in PEM, found none$/);
    assert.match(fault({ certFile, keyFile: certFile }), /^keyFile: the private key cannot be read/);
    assert.match(
      fault({ certFile: certFile.replace(/\n[A-Za-z0-9+/]{10}/, "\nAAAAAAAAAA"), keyFile }),
      /^certFile: certificate 1 cannot be read$/,
    );
    assert.match(
      fault({ certFile: `${certFile}${other.cert}`, keyFile }),
      /^certFile: certificate 1 \(CN=a.*\) is not issued by the one after it \(CN=b\)$/,
    );
    assert.match(fault({ certFile, keyFile }, Date.now() + 3 * day), /^certFile: certificate 1 \(CN=a.*\) ended at /);
    assert.match(fault({ certFile, keyFile }, Date.now() - 3 * day), /^certFile: certificate 1 \(CN=a.*\) begins at /);
    assert.match(fault({ caFile: certFile }), /^caFile: CN=a.* is not the certificate of an authority$/);
    assert.match(
      fault({ caFile: authority.cert }, Date.now() + 3 * day),
      /^caFile: certificate 1 \(CN=an authority\) ended at /,
    );
  });

  it("are refused where Envoy would not take the key, or the key has a passphrase; the key is not quoted", () => {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-weak-"));
    const file = join(folder, "weak.key");
    const weak = openssl(
      ...["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", file, "-subj", "/CN=weak", "-days", "2"],
    );
    const weakKey = readFileSync(file, "utf8");
    rmSync(folder, { recursive: true });
    assert.match(
      fault({ certFile: weak, keyFile: weakKey }),
      /^certFile: expected a key of RSA with 2048 bits .*found rsa 1024$/,
    );
    const locked = openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-aes256",
      "-pass",
      "pass:secret",
    );
    const message = fault({ certFile: pair.cert, keyFile: locked });
    assert.equal(message, "keyFile: the private key cannot be read: expected PEM without a passphrase");
  });

  it("are named with their place where they cannot be read, and are not looked at where they stay as they were", () => {
    const text = `{ apiVersion: meshwright.dev/v1alpha1, kind: Certificate, metadata: { name: c }, spec: { certFile: c.pem, keyFile: c.key } }`;
    const result = loadModel([{ path: "mesh/c.yaml", text }]);
    assert.ok(result.ok);
    const assets = new Map([["mesh/c.pem", { ok: true, text: pair.cert }]]) as Parameters<typeof loadMaterials>[1];
    assert.deepEqual(
      loadMaterials(result.model, assets).problems.map(({ path, message }) => `${path}: ${message}`),
      ["spec.keyFile: cannot read mesh/c.key: not found"],
    );
    const kept = new Map([["c", readMaterial({ certFile: pair.cert, keyFile: pair.key }, Date.now())]]);
    const { materials, problems } = loadMaterials(result.model, assets, kept);
    assert.deepEqual([problems, materials], [[], kept]);
  });
});
