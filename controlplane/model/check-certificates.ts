import type { Found } from "./claims.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import { missingProblem, type MayExist } from "./references.ts";
import type { CertificateSpec } from "./certificates.ts";
import type { Model, Service } from "./resources.ts";

/** Finds the faults of Certificates, but for what is in their files, and of what Services say of TLS that is not the mesh's. */
export function checkCertificates(model: Model, mayExist: MayExist): Found {
  const sent = [...model.certificates.values()].filter(({ origin }) => origin.assets !== undefined);
  return [
    ...sent.map(({ origin }) =>
      origin.problem(
        ["kind"],
        "a Certificate is written in the folder of serve or in a cluster: a private key is not to be sent or kept",
      ),
    ),
    ...[...model.services.values()].flatMap((service) => [
      ...checkInboundTls(service, model, mayExist),
      ...checkEndpointTls(service, model, mayExist),
    ]),
  ];
}

function checkInboundTls({ spec, origin }: Service, model: Model, mayExist: MayExist): Found {
  const { inboundTls } = spec;
  if (inboundTls === undefined) return [];
  const at = (field: string): Path => ["spec", "inboundTls", field];
  const without = spec.endpoints.findIndex(({ sidecar }) => sidecar === undefined);
  return [
    checkReference(inboundTls.certificate, "certFile", at("certificate"), origin, model, mayExist),
    inboundTls.trust === undefined
      ? undefined
      : checkReference(inboundTls.trust, "caFile", at("trust"), origin, model, mayExist),
    without < 0 ? undefined : origin.problem(["spec", "endpoints", without], "required with inboundTls: sidecar"),
  ];
}

function checkEndpointTls({ spec, origin }: Service, model: Model, mayExist: MayExist): Found {
  const { endpointTls } = spec;
  if (endpointTls === undefined) return [];
  const at = (field: string): Path => ["spec", "endpointTls", field];
  const beside = spec.endpoints.findIndex(({ sidecar }) => sidecar !== undefined);
  return [
    checkReference(endpointTls.trust, "caFile", at("trust"), origin, model, mayExist),
    endpointTls.certificate === undefined
      ? undefined
      : checkReference(endpointTls.certificate, "certFile", at("certificate"), origin, model, mayExist),
    // Sidecars speak TLS among themselves by the mtls of the Service.
    beside < 0
      ? undefined
      : origin.problem(
          ["spec", "endpoints", beside, "sidecar"],
          "not with endpointTls, which is for endpoints without sidecar",
          "key",
        ),
  ];
}

function checkReference(
  name: string,
  field: keyof CertificateSpec,
  path: Path,
  origin: Service["origin"],
  { certificates }: Model,
  mayExist: MayExist,
): Problem | undefined {
  const certificate = certificates.get(name);
  if (certificate === undefined) {
    if (mayExist("Certificate", name)) return undefined;
    return missingProblem(origin, path, "Certificate", name, certificates.keys());
  }
  return certificate.spec[field] === undefined
    ? origin.problem(path, `Certificate ${name} has no ${field}`)
    : undefined;
}
