import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import { allPorts, meansPort } from "./ports.ts";
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
  const ports = allPorts(service, model);
  const others = service.spec.otherPorts.filter(({ service: other }) => !model.services.has(other));
  // A port whose Service is faulty is none that is unknown.
  const maybe = others.filter(({ service: other }) => mayExist("Service", other));
  if (port !== undefined && ![...ports.map(({ spec }) => spec.port), ...maybe.map((one) => one.port)].includes(port)) {
    const has = ports.length === 1 ? "port" : "the ports";
    return origin.problem(
      [...path, "port"],
      `Service ${name} has ${has} ${ports.map(({ spec }) => spec.port).join(", ")}, found ${port}`,
    );
  }
  if (sectionName === undefined || maybe.length > 0 || ports.some((one) => meansPort(reference, one))) return undefined;
  const names = ports.flatMap(({ spec }) => spec.portName ?? []);
  if (names.includes(sectionName))
    return origin.problem(
      [...path, "sectionName"],
      `port ${port ?? ""} of Service ${name} has another portName, found ${sectionName}`,
    );
  const has = names.length === 0 ? "no portName" : `the portName ${names.join(", ")}`;
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
