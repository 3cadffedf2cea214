// Certificates for tests, made anew each time: X.509 version 3 (RFC 5280) with a P-256 key, signed by their own key.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 of the DER form, in hexadecimal. */
  readonly digest: string;
}

/** A self-signed certificate that is good for a day before and after now. */
export function certificate(name: string, alternative: { readonly dns: string; readonly uri?: string }): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = sequence(set(sequence(oid("550403"), tlv(0x0c, Buffer.from(name)))));
  const algorithm = sequence(oid("2a8648ce3d040302"));
  const names = [tlv(0x82, Buffer.from(alternative.dns))];
  if (alternative.uri !== undefined) names.push(tlv(0x86, Buffer.from(alternative.uri)));
  const content = sequence(
    tlv(0xa0, integer(2)),
    integer(1),
    algorithm,
    subject,
    sequence(time(-1), time(1)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(sequence(oid("551d11"), tlv(0x04, sequence(...names))))),
  );
  const signature = sign("sha256", content, privateKey);
  const der = sequence(content, algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = der.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    digest: createHash("sha256").update(der).digest("hex"),
  };
}

// DER (X.690): a tag, the length, the content.

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const set = (part: Buffer): Buffer => tlv(0x31, part);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const integer = (value: number): Buffer => tlv(0x02, Buffer.of(value));

/** GeneralizedTime, so many days from now. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString();
  return tlv(0x18, Buffer.from(text.replace(/\.\d+|[-:T]/g, "")));
}
