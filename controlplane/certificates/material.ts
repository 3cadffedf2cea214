import { createHash, createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { certificatesOf } from "../security/index.ts";

/** What the files of a Certificate hold, checked. */
export interface CertificateMaterial {
  /** The certificate with those between it and its authority, and its private key, as PEM. */
  readonly pair?: { readonly chain: string; readonly privateKey: string };
  /** Certificates of authorities, as PEM. */
  readonly authorities?: string;
  /** Tells contents apart; nothing of the private key is in it. */
  readonly fingerprint: string;
  /** When the first of what is used ends, in milliseconds since the epoch. */
  readonly endsAt: number;
  /** When that one began. */
  readonly beginsAt: number;
}

/** A fault in one of the files. */
export class MaterialError extends Error {
  readonly field: "certFile" | "keyFile" | "caFile";

  constructor(field: MaterialError["field"], message: string) {
    super(message);
    this.field = field;
  }
}

/** The texts of the files that there are. */
export interface MaterialTexts {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
}

/** Checks what the files of a Certificate hold. Never quotes a private key. @throws MaterialError */
export function readMaterial({ certFile, keyFile, caFile }: MaterialTexts, now: number): CertificateMaterial {
  const chain = certFile === undefined ? undefined : readChain(certFile, now);
  const authorities = caFile === undefined ? undefined : readAuthorities(caFile, now);
  const [leaf] = chain ?? [];
  const times = [...(chain ?? []), ...(authorities ?? [])].map(({ validFrom, validTo }) => ({
    beginsAt: Date.parse(validFrom),
    endsAt: Date.parse(validTo),
  }));
  const { beginsAt = 0, endsAt = Infinity } = times.sort((a, b) => a.endsAt - b.endsAt)[0] ?? {};
  const pem = (all: readonly X509Certificate[]): string => all.map(String).join("");
  const hash = createHash("sha256");
  for (const one of [...(chain ?? []), ...(authorities ?? [])]) hash.update(one.raw);
  const base = { fingerprint: hash.digest("hex"), beginsAt, endsAt };
  return {
    ...base,
    ...(authorities === undefined ? {} : { authorities: pem(authorities) }),
    ...(chain === undefined || leaf === undefined || keyFile === undefined
      ? {}
      : { pair: { chain: pem(chain), privateKey: readKey(keyFile, leaf) } }),
  };
}

function readChain(text: string, now: number): X509Certificate[] {
  const chain = read("certFile", text);
  for (const [index, one] of chain.entries()) {
    checkTime("certFile", one, index, now);
    const issuer = chain[index + 1];
    if (issuer !== undefined && !(one.checkIssued(issuer) && one.verify(issuer.publicKey))) {
      const message = `certificate ${index + 1} (${nameOf(one)}) is not issued by the one after it (${nameOf(issuer)})`;
      throw new MaterialError("certFile", message);
    }
  }
  const [leaf] = chain;
  if (leaf !== undefined) checkStrength(leaf.publicKey);
  return chain;
}

/** Old authorities may stand beside new ones; those that have ended are left out. */
function readAuthorities(text: string, now: number): X509Certificate[] {
  const all = read("caFile", text);
  for (const one of all)
    if (!one.ca) throw new MaterialError("caFile", `${nameOf(one)} is not the certificate of an authority`);
  const good = all.filter(({ validTo, validFrom }) => Date.parse(validTo) > now && Date.parse(validFrom) <= now);
  const [first] = all;
  if (good.length === 0 && first !== undefined) checkTime("caFile", first, 0, now);
  return good;
}

function readKey(text: string, leaf: X509Certificate): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // The library's error may quote the key.
    throw new MaterialError("keyFile", "the private key cannot be read: expected PEM without a passphrase");
  }
  if (!leaf.checkPrivateKey(key)) {
    throw new MaterialError("keyFile", `the private key is not that of the certificate (${nameOf(leaf)})`);
  }
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** What Envoy's library takes for TLS. */
function checkStrength({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  const isGood =
    (type === "rsa" && (details?.modulusLength ?? 0) >= 2048) ||
    (type === "ec" && ["prime256v1", "secp384r1", "secp521r1"].includes(details?.namedCurve ?? ""));
  if (isGood) return;
  const found = [type, details?.modulusLength ?? details?.namedCurve].filter((part) => part !== undefined).join(" ");
  throw new MaterialError(
    "certFile",
    `expected a key of RSA with 2048 bits or more, or EC on P-256, P-384 or P-521, found ${found}`,
  );
}

function read(field: MaterialError["field"], text: string): X509Certificate[] {
  const pems = certificatesOf(text);
  if (pems.length === 0) throw new MaterialError(field, "expected certificates in PEM, found none");
  return pems.map((pem, index) => {
    try {
      return new X509Certificate(pem);
    } catch {
      throw new MaterialError(field, `certificate ${index + 1} cannot be read`);
    }
  });
}

function checkTime(field: MaterialError["field"], one: X509Certificate, index: number, now: number): void {
  const what = `certificate ${index + 1} (${nameOf(one)})`;
  if (Date.parse(one.validTo) <= now) throw new MaterialError(field, `${what} ended at ${one.validTo}`);
  if (Date.parse(one.validFrom) > now) throw new MaterialError(field, `${what} begins at ${one.validFrom}`);
}

function nameOf({ subject, subjectAltName }: X509Certificate): string {
  return [subject.replaceAll("\n", ", "), subjectAltName]
    .filter((part) => part !== undefined && part !== "")
    .join("; ");
}
