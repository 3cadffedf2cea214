// The types of a Certificate: schemas/certificate.json.

/** `certFile` and `keyFile` are there together. */
export interface CertificateSpec {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
}
