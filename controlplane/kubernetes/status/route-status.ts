import type { SourceStatus } from "../../source/index.ts";
import { modelName, placeOf, type ObjectName } from "../names.ts";
import type { CustomObject } from "../objects.ts";
import { isServiceParent } from "../own-documents.ts";
import type { RouteKind } from "../kinds.ts";
import { condition, textOf, type Condition } from "./conditions.ts";

/** As the Gateway API names who writes a status. */
export const CONTROLLER = "meshwright.dev/mesh";

/** A `RouteParentStatus` of the Gateway API, without times. */
export interface ParentStatus {
  readonly parentRef: unknown;
  readonly conditions: readonly Condition[];
}

/** A Service as the cluster has it, by its ports. */
export type FindService = (name: ObjectName) => { readonly ports: readonly { readonly port: number }[] } | undefined;

/** Whether a route may name a Service of another namespace. */
export type MayName = (name: ObjectName) => boolean;

/** What is to be said of a route, for each Service that is its parent. */
export function routeStatus(
  kind: RouteKind,
  { metadata, spec }: CustomObject,
  status: SourceStatus,
  findService: FindService,
  mayName: MayName,
): ParentStatus[] {
  const name = { namespace: metadata.namespace ?? "", name: metadata.name };
  const problems = status.problems.filter(({ file }) => file === placeOf(kind, name));
  const resource = `${kind} ${modelName(name)}`;
  const held = status.kept.get(resource) ?? status.leftOut.get(resource);
  const resolved = resolvedRefs(spec, name.namespace, findService, mayName);
  return listOf(spec["parentRefs"])
    .filter(isServiceParent)
    .map((parentRef) => {
      const { name: parent, namespace = name.namespace } = parentRef as { name?: unknown; namespace?: unknown };
      const isThere =
        namespace === name.namespace && findService({ namespace: name.namespace, name: String(parent) }) !== undefined;
      const accepted = !isThere
        ? condition(
            "Accepted",
            false,
            "NoMatchingParent",
            `there is no Service ${String(parent)} in namespace ${name.namespace}`,
          )
        : problems.length > 0
          ? condition("Accepted", false, "UnsupportedValue", textOf(problems))
          : held !== undefined
            ? condition("Accepted", false, "Pending", held)
            : status.served.has(resource)
              ? condition("Accepted", true, "Accepted", "")
              : condition("Accepted", false, "Pending", "it is not served yet");
      return { parentRef, conditions: [accepted, resolved] };
    });
}

/** Whether all that a route names is there, and may be named. */
function resolvedRefs(
  spec: CustomObject["spec"],
  namespace: string,
  findService: FindService,
  mayName: MayName,
): Condition {
  const faults: Condition[] = [];
  const add = (reason: string, message: string): void =>
    void faults.push(condition("ResolvedRefs", false, reason, message));
  for (const ref of backendsOf(spec)) {
    const { group = "", kind = "Service", name, namespace: other = namespace, port } = ref;
    if (group !== "" || kind !== "Service") add("InvalidKind", `${kind} is no kind of backend: only Service is`);
    else if (!mayName({ namespace: other, name }))
      add("RefNotPermitted", `${name} is in namespace ${other}, which has no ReferenceGrant for this route`);
    else {
      const service = findService({ namespace: other, name });
      if (service === undefined) add("BackendNotFound", `there is no Service ${name}`);
      else if (port !== undefined && !service.ports.some((one) => one.port === port)) {
        add("BackendNotFound", `Service ${name} has no port ${String(port)}`);
      }
    }
  }
  return faults[0] ?? condition("ResolvedRefs", true, "ResolvedRefs", "");
}

interface BackendRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** The backends of all rules, with those to which requests are mirrored. */
function backendsOf(spec: CustomObject["spec"]): BackendRef[] {
  const mirrorsOf = (filters: unknown): unknown[] =>
    listOf(filters).map((filter) => (filter as { requestMirror?: { backendRef?: unknown } }).requestMirror?.backendRef);
  const all = listOf(spec["rules"]).flatMap((rule) => {
    const { backendRefs, filters } = rule as { backendRefs?: unknown; filters?: unknown };
    const backends = listOf(backendRefs);
    return [
      ...backends,
      ...mirrorsOf(filters),
      ...backends.flatMap((ref) => mirrorsOf((ref as { filters?: unknown }).filters)),
    ];
  });
  return all.filter((ref): ref is BackendRef => typeof ref === "object" && ref !== null && "name" in ref);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
