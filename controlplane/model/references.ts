import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import type { Kind, Model } from "./resources.ts";
import { didYouMean } from "./suggest.ts";

/**
 * Whether a resource of this kind and name may have been written, although it is not in the model because of its faults:
 * nobody needs to hear that it is unknown as well.
 */
export type MayExist = (kind: Kind, name: string) => boolean;

/** Checks a reference to a Service: that it exists and, where a port is named, that it is the Service's. */
export function checkServiceRef(
  reference: { readonly name: string; readonly port?: number; readonly sectionName?: string },
  path: Path,
  origin: Origin,
  model: Model,
  mayExist: MayExist,
): Problem | undefined {
  const { name, port, sectionName } = reference;
  const service = model.services.get(name);
  if (service === undefined) {
    if (mayExist("Service", name)) return undefined;
    return missingProblem(origin, [...path, "name"], "Service", name, model.services.keys());
  }
  if (port !== undefined && port !== service.spec.port) {
    return origin.problem([...path, "port"], `Service ${name} has port ${service.spec.port}, found ${port}`);
  }
  const { portName } = service.spec;
  if (sectionName === undefined || sectionName === portName) return undefined;
  const has = portName === undefined ? "no portName" : `the portName ${portName}`;
  return origin.problem([...path, "sectionName"], `Service ${name} has ${has}, found ${sectionName}`);
}

/** That a resource is named that is not there. */
export function missingProblem(
  origin: Origin,
  path: Path,
  kind: string,
  name: string,
  known: Iterable<string>,
): Problem {
  // The same object, since the origin remembers it.
  return Object.assign(origin.problem(path, unknownName(kind, name, known)), { missing: `${kind} ${name}` });
}

function unknownName(kind: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const list =
    names.length === 0 ? "there is none" : `known: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;
  return `there is no ${kind} ${JSON.stringify(name)}${didYouMean(name, names)}; ${list}`;
}
