import type { PatchOperation } from "../inject/index.ts";

/** What the API server asks: the parts of an AdmissionReview of admission.k8s.io/v1 that are needed here. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: string;
  /** `CREATE`, `UPDATE`, `DELETE` or `CONNECT`. */
  readonly operation: string;
  /** Empty for what has none. */
  readonly namespace: string;
  /** Undefined when it is deleted. */
  readonly object: unknown;
}

export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** Why not, for whoever sent the object. */
  readonly message?: string;
  /** What whoever sent the object is told although it is allowed. */
  readonly warnings?: readonly string[];
  readonly patch?: readonly PatchOperation[];
}

/** A body that is no AdmissionReview. */
export class ReviewError extends Error {
  override readonly name = "ReviewError";
}

/** @throws ReviewError */
export function parseReview(body: Buffer): AdmissionRequest {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ReviewError("the body is not JSON");
  }
  const { apiVersion, kind, request } = record(value, "the body");
  if (kind !== "AdmissionReview" || apiVersion !== "admission.k8s.io/v1")
    throw new ReviewError("expected an AdmissionReview of admission.k8s.io/v1");
  const { uid, operation, namespace = "", object, kind: of } = record(request, "request");
  const name = record(of, "request.kind")["kind"];
  return {
    uid: text(uid, "request.uid"),
    kind: text(name, "request.kind.kind"),
    operation: text(operation, "request.operation"),
    namespace: text(namespace, "request.namespace"),
    object,
  };
}

/** The AdmissionReview with an answer. */
export function reviewWith(uid: string, { allowed, message, warnings, patch }: AdmissionAnswer): object {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid,
      allowed,
      ...(message === undefined ? {} : { status: { code: 422, reason: "Invalid", message } }),
      ...(warnings === undefined || warnings.length === 0 ? {} : { warnings }),
      ...(patch === undefined || patch.length === 0
        ? {}
        : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
    },
  };
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ReviewError(`${path}: expected an object`);
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown, path: string): string {
  if (typeof value !== "string" || value.length > 1_000) throw new ReviewError(`${path}: expected a string`);
  return value;
}
