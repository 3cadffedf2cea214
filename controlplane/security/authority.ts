import "reflect-metadata"; // which @peculiar/x509 needs
import { createPrivateKey, X509Certificate, type KeyObject, type webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as ParsedCertificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { readCertificate } from "./read-certificate.ts";

type CryptoKey = webcrypto.CryptoKey;

/** A certificate with its key, as PEM. The certificate may be a chain, its own first. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A key pair with its time, in milliseconds since the epoch. */
export interface Issued extends KeyPair {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface IssueOptions {
  /** SPIFFE ID. */
  readonly uri: string;
  /** Who it is for, for people; its common name. */
  readonly name?: string;
  /** Names and IP addresses of a server. */
  readonly hosts?: readonly string[];
  /** How long it is good for, from now on. It ends with its authority at the latest. */
  readonly lifetimeMs: number;
}

const ecdsaP256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 86_400_000;
/** Clocks of a mesh may differ by this. */
const backdateMs = 60_000;

/** A certificate or key that cannot be used, for the user to mend. */
export class CertificateError extends Error {}

/** Issues certificates: P-256 keys, made here, and certificates of version 3 with one SPIFFE ID each. */
export class Authority {
  /** PEM; the issuing certificate first, followed by those above it if it is no root. */
  readonly certificate: string;
  readonly #key: CryptoKey;
  readonly #signer: ParsedCertificate;
  readonly #isRoot: boolean;

  private constructor(certificate: string, key: CryptoKey) {
    this.certificate = certificate;
    this.#key = key;
    this.#signer = new ParsedCertificate(certificatesOf(certificate)[0] ?? "");
    this.#isRoot = this.#signer.subject === this.#signer.issuer;
  }

  /** A new root for a trust domain, good for ten years, with its key as PEM. */
  static async create(trustDomain: string): Promise<KeyPair> {
    const keys = await crypto.subtle.generateKey(ecdsaP256, true, ["sign", "verify"]);
    const now = Date.now();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ O: ["Meshwright"] }, { CN: [`${trustDomain} development authority`] }],
      notBefore: new Date(now - backdateMs),
      notAfter: new Date(now + 3650 * day),
      signingAlgorithm: ecdsaP256,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { certificate: pem(certificate), privateKey: await exportKey(keys.privateKey) };
  }

  /** @throws CertificateError when it cannot issue: no authority's certificate, another one's key, or out of date. */
  static async load({ certificate, privateKey }: KeyPair): Promise<Authority> {
    const key = checkKeyPair({ certificate, privateKey });
    const x509 = new X509Certificate(certificate);
    if (!x509.ca)
      throw new CertificateError("the certificate is none of an authority (basicConstraints CA is not set)");
    const usages = new ParsedCertificate(x509.raw).getExtension(KeyUsagesExtension)?.usages;
    if (usages !== undefined && (usages & KeyUsageFlags.keyCertSign) === 0)
      throw new CertificateError("the authority may not issue certificates (its keyUsage lacks keyCertSign)");
    return new Authority(certificate, await importKey(key));
  }

  /** Issues a certificate with a new key. */
  async issue({ uri, name, hosts = [], lifetimeMs }: IssueOptions): Promise<Issued> {
    const keys = await crypto.subtle.generateKey(ecdsaP256, true, ["sign", "verify"]);
    const now = Date.now();
    // What outlives its authority would be refused, and with a message that says nothing of it.
    const notAfter = Math.min(now + lifetimeMs, this.#signer.notAfter.getTime());
    if (notAfter <= now) throw new CertificateError(`the authority ended at ${this.#signer.notAfter.toISOString()}`);
    const notBefore = Math.max(now - backdateMs, this.#signer.notBefore.getTime());
    const names = hosts.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value }));
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      // SPIFFE-X.509-SVID leaves the subject to us; an empty one would make the extension of names critical.
      subject: [{ O: ["Meshwright"] }, ...(name === undefined ? [] : [{ CN: [name] }])],
      issuer: this.#signer.subjectName,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: { ...this.#key.algorithm, hash: "SHA-256" },
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([{ type: "url", value: uri }, ...names]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#signer),
      ],
    });
    // Who is verified against the root needs what is between.
    const between = this.#isRoot ? "" : this.certificate;
    return {
      certificate: pem(certificate) + between,
      privateKey: await exportKey(keys.privateKey),
      notBefore,
      notAfter,
    };
  }
}

/** Printable ASCII without a space, a quote, a comma or a backslash. */
const PLAIN_NAME = /^(URI|DNS|IP Address|email):([!#-&(-+\--[\]-~]+)$/;

/**
 * The URIs in a certificate's subjectAltName, or none if it cannot be read.
 *
 * They are read from the certificate itself where the text that Node makes of the extension might be read in two ways: it joins names
 * by commas, and puts in quotes those that hold one. Reading the text costs a tenth, which a thousand sidecars that connect at once feel.
 */
export function urisOf(der: Uint8Array): string[] {
  try {
    const names =
      readCertificate(der)
        .subjectAltName?.split(", ")
        .map((name) => PLAIN_NAME.exec(name)) ?? [];
    if (names.every((name) => name !== null)) {
      return names.flatMap(([, type, value = ""]) => (type === "URI" ? [value] : []));
    }
    const parsed = new ParsedCertificate(new Uint8Array(der)).getExtension(SubjectAlternativeNameExtension);
    return parsed?.names.items.flatMap(({ type, value }) => (type === "url" ? [value] : [])) ?? [];
  } catch {
    return [];
  }
}

/** The certificates in a PEM text, each as PEM. */
export function certificatesOf(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** @throws CertificateError when these are no certificate and its key, or the time of the certificate is not now. */
export function checkKeyPair({ certificate, privateKey }: KeyPair): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKey);
  } catch {
    // The error of the library may quote the key.
    throw new CertificateError("the private key cannot be read: expected PEM without a passphrase");
  }
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(certificate);
  } catch {
    throw new CertificateError("the certificate cannot be read: expected PEM");
  }
  if (!x509.checkPrivateKey(key)) throw new CertificateError("the private key is not that of the certificate");
  if (Date.parse(x509.validTo) <= Date.now()) throw new CertificateError(`the certificate ended at ${x509.validTo}`);
  if (Date.parse(x509.validFrom) > Date.now())
    throw new CertificateError(`the certificate begins at ${x509.validFrom}`);
  return key;
}

async function importKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ type: "pkcs8", format: "der" });
  const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
    key.asymmetricKeyDetails?.namedCurve ?? ""
  ];
  if (key.asymmetricKeyType === "ec" && curve !== undefined)
    return crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: curve }, false, ["sign"]);
  if (key.asymmetricKeyType === "rsa")
    return crypto.subtle.importKey("pkcs8", der, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
  throw new CertificateError(
    `the authority's key is ${key.asymmetricKeyType ?? "of no known type"}: expected RSA, or EC on P-256, P-384 or P-521`,
  );
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}

function pem(certificate: ParsedCertificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** 127 random bits, positive (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}
