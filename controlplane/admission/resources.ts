import {
  CandidateSource,
  keepCustom,
  ownKinds,
  routeKinds,
  type DocumentKind,
  type KubernetesSource,
} from "../kubernetes/index.ts";
import type { KubernetesObject } from "../kubernetes/index.ts";
import type { Problem } from "../model/index.ts";
import type { Source } from "../source/index.ts";
import type { AdmissionAnswer, AdmissionRequest } from "./review.ts";

export interface CheckOptions {
  readonly source: Pick<KubernetesSource, "cluster">;
  /** What would be wrong after a change, beside what is wrong already. */
  readonly check: (change: (present: Source) => Source) => Promise<readonly Problem[]>;
}

/** How many faults one answer tells of. */
const MAX_FAULTS = 10;

/**
 * Checks an object together with all others that there are, as `meshwright validate` checks a folder. That it names what is not there is
 * no reason to refuse it: the other may come next, and until then the object's status says so.
 */
export async function answerForResource(request: AdmissionRequest, options: CheckOptions): Promise<AdmissionAnswer> {
  const { kind, operation, object, namespace } = request;
  if (operation !== "CREATE" && operation !== "UPDATE") return { allowed: true };
  if (!isKnown(kind) || !isObject(object)) return { allowed: true };
  const custom = keepCustom({ ...object, metadata: { ...object.metadata, namespace } });
  const { path, file } = options.source.cluster.fileWith(kind, custom);
  // What is no part of the mesh, as a route of a gateway.
  if (file === undefined) return { allowed: true };
  const problems = await options.check((present) => new CandidateSource(present, path, file));
  const missing = problems.filter((problem) => problem.missing !== undefined);
  const faults = problems.filter((problem) => problem.missing === undefined);
  const warnings = missing.slice(0, MAX_FAULTS).map((problem) => told(problem, path));
  if (faults.length === 0) return { allowed: true, warnings };
  const lines = faults.slice(0, MAX_FAULTS).map((problem) => told(problem, path));
  if (faults.length > MAX_FAULTS) lines.push(`and ${faults.length - MAX_FAULTS} more`);
  return { allowed: false, message: lines.join("\n"), warnings };
}

/** A fault of the object itself without its place, which whoever sent it knows. */
function told({ file, path, message }: Problem, own: string): string {
  const where = [...(file === own ? [] : [file]), ...(path === "" ? [] : [path])];
  return [...where, message].join(": ");
}

function isKnown(kind: string): kind is DocumentKind | "MeshService" {
  return Object.hasOwn(ownKinds, kind) || Object.hasOwn(routeKinds, kind);
}

function isObject(value: unknown): value is KubernetesObject {
  if (typeof value !== "object" || value === null || !("metadata" in value)) return false;
  const { metadata } = value;
  return typeof metadata === "object" && metadata !== null && "name" in metadata && typeof metadata.name === "string";
}
