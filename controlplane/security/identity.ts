/**
 * Who a certificate names, by the one SPIFFE ID in it. Below the trust domain:
 *
 * - `/ns/default/sa/<service>`: the application of a Service, and each of its sidecars. The form is Istio's, so policies that name
 *   principals hold in both.
 * - `/ns/<namespace>/sa/<account>`: what runs as a service account of Kubernetes, which is nobody towards the control plane. One of the namespace
 *   `default` reads as a Service, so where there are such accounts no Service's certificate is one of a sidecar: see Admission.
 * - `/meshwright/sidecar/<service>/<node>`: one sidecar towards its control plane, and nobody towards other sidecars.
 * - `/meshwright/control-plane`: a control plane.
 * - `/meshwright/role/<role>`: a person or a program that uses the API.
 */
export type Identity =
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "account"; readonly namespace: string; readonly account: string }
  | { readonly kind: "sidecar"; readonly service: string; readonly node: string }
  | { readonly kind: "control-plane" }
  | { readonly kind: "role"; readonly role: Role };

/** What a caller of the API may do; each role may also do what those before it may. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}

/** Whether a role includes another one. */
export function includesRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** The trust domain that a mesh has if none is given; also the one that Istio has. */
export const DEFAULT_TRUST_DOMAIN = "cluster.local";

/** SPIFFE-ID, section 2.1. */
const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;
/** SPIFFE-ID, section 2.3. */
const maxLength = 2048;

export function isTrustDomain(text: string): boolean {
  return trustDomainPattern.test(text);
}

/** What the identities of all Services begin with. @param hasAccounts whether some are those of service accounts. */
export function servicePrefix(trustDomain: string, hasAccounts: boolean): string {
  return `spiffe://${trustDomain}/ns/${hasAccounts ? "" : "default/sa/"}`;
}

/** An identity without its trust domain. */
export function identityPath(identity: Identity): string {
  return segmentsOf(identity).map(encodeSegment).join("/");
}

/** @throws RangeError when the SPIFFE ID would be longer than it may be. */
export function formatIdentity(trustDomain: string, identity: Identity): string {
  const id = `spiffe://${trustDomain}/${identityPath(identity)}`;
  if (id.length > maxLength)
    throw new RangeError(`the SPIFFE ID is longer than ${maxLength} bytes: ${id.slice(0, 80)}...`);
  return id;
}

/** Who a SPIFFE ID names; undefined if it is of another trust domain, or nobody that this control plane knows. */
export function parseIdentity(trustDomain: string, id: string): Identity | undefined {
  const start = `spiffe://${trustDomain}/`;
  if (id.length > maxLength || !id.startsWith(start)) return undefined;
  const segments = id.slice(start.length).split("/").map(decodeSegment);
  const identity = identityOf(segments);
  // Whatever reads in two ways, or is not written as it is here, names nobody.
  return identity !== undefined && formatIdentity(trustDomain, identity) === id ? identity : undefined;
}

function segmentsOf(identity: Identity): string[] {
  switch (identity.kind) {
    case "service":
      return ["ns", "default", "sa", identity.service];
    case "account":
      return ["ns", identity.namespace, "sa", identity.account];
    case "sidecar":
      return ["meshwright", "sidecar", identity.service, identity.node];
    case "control-plane":
      return ["meshwright", "control-plane"];
    case "role":
      return ["meshwright", "role", identity.role];
  }
}

function identityOf(segments: readonly string[]): Identity | undefined {
  const [first, second, third, fourth] = segments;
  const { length } = segments;
  if (first === "ns" && length === 4 && second && third === "sa" && fourth) {
    return second === "default"
      ? { kind: "service", service: fourth }
      : { kind: "account", namespace: second, account: fourth };
  }
  if (first !== "meshwright") return undefined;
  if (second === "sidecar" && length === 4 && third && fourth) return { kind: "sidecar", service: third, node: fourth };
  if (second === "control-plane" && length === 2) return { kind: "control-plane" };
  if (second === "role" && length === 3 && third !== undefined && isRole(third)) return { kind: "role", role: third };
  return undefined;
}

/** A segment may hold letters, digits, ".", "-" and "_", and be neither "." nor "..". Node ids may hold anything. */
function encodeSegment(text: string): string {
  const isDots = text === "." || text === "..";
  const encoded = Buffer.from(text, "utf8").toString("latin1");
  return encoded.replace(/[^A-Za-z0-9.-]|\./g, (char) =>
    char === "." && !isDots ? char : `_${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function decodeSegment(segment: string): string {
  const bytes = segment.replace(/_([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
