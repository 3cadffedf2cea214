import { X509Certificate } from "node:crypto";

const MAX_CERTIFICATES = 1_024;
const MAX_BYTES = 4_096;

/** By their bytes. That of a connection is looked at several times when a stream begins, and reading it costs as much as a request. */
const known = new Map<string, X509Certificate>();

/** @throws Error when these bytes are no certificate. */
export function readCertificate(der: Uint8Array): X509Certificate {
  if (der.length > MAX_BYTES) return new X509Certificate(der);
  const key = Buffer.from(der.buffer, der.byteOffset, der.length).toString("latin1");
  let certificate = known.get(key);
  if (certificate === undefined) {
    certificate = new X509Certificate(der);
    if (known.size >= MAX_CERTIFICATES) known.clear();
    known.set(key, certificate);
  }
  return certificate;
}
