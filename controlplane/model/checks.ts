import { checkAnnotations } from "./annotations.ts";
import { checkCertificates } from "./check-certificates.ts";
import { checkMesh } from "./check-mesh.ts";
import { checkModules } from "./check-modules.ts";
import { checkPorts } from "./check-ports.ts";
import { checkQuotas } from "./check-quotas.ts";
import { checkRollouts } from "./check-rollouts.ts";
import { checkRoutes } from "./check-routes.ts";
import { checkServices } from "./check-services.ts";
import { checkTargets } from "./check-targets.ts";
import { checkTelemetries } from "./check-telemetry.ts";
import type { Found } from "./claims.ts";
import { servedModel } from "./mesh.ts";
import { allPorts, meansPort } from "./ports.ts";
import type { Problem } from "./problem.ts";
import { missingProblem } from "./references.ts";
import type { MayExist } from "./references.ts";
import { resourcesOf } from "./resources.ts";
import type { FilterPolicy, Model, Resource, Route, Service } from "./resources.ts";

/** Finds the faults that a JSON Schema cannot: within a resource, and between resources. */
export function checkModel(model: Model, mayExist: MayExist): Problem[] {
  const { filterPolicies, quotas, envoyPatches } = model;
  return [
    ...resourcesOf(model).flatMap((resource) => [...checkAnnotations(resource), checkCreation(resource)]),
    ...checkServices([...servedModel(model).services.values()]),
    ...checkPorts(model, mayExist),
    ...checkRoutes(model, mayExist),
    ...checkModules([...model.wasmModules.values()]),
    ...[...filterPolicies.values()].flatMap((policy) => checkPolicy(policy, model, mayExist)),
    ...checkQuotas([...quotas.values()]),
    ...checkRollouts(model, mayExist),
    ...checkTelemetries(model, mayExist),
    ...checkMesh(model),
    ...checkCertificates(model, mayExist),
    ...[...envoyPatches.values()].flatMap((patch) => checkTargets(patch, patch.spec.targetRefs, model, mayExist)),
  ].filter((problem) => problem !== undefined);
}

function checkCreation({ metadata, origin }: Resource): Problem | undefined {
  const { creationTimestamp: time } = metadata;
  if (time === undefined || !Number.isNaN(Date.parse(time))) return undefined;
  return origin.problem(["metadata", "creationTimestamp"], `expected a time, found ${JSON.stringify(time)}`);
}

function checkPolicy({ origin, spec }: FilterPolicy, model: Model, mayExist: MayExist): Found {
  const found: Found = checkTargets({ origin }, spec.targetRefs, model, mayExist);
  for (const [t, target] of spec.targetRefs.entries()) {
    const path = ["spec", "targetRefs", t];
    const service = model.services.get(target.name);
    if (service === undefined) continue;
    for (const field of ["port", "sectionName"] as const)
      if (spec.direction === "Outbound" && target[field] !== undefined)
        found.push(
          origin.problem([...path, field], "only with direction Inbound: a Service calls from no port", "key"),
        );
    const ports = spec.direction === "Outbound" ? [service] : allPorts(service, model);
    for (const one of ports.filter((port) => meansPort(target, port))) {
      const gap = whereNotEnforced(one, spec.direction, model);
      if (gap !== undefined) found.push(origin.problem([...path, "name"], `the filter would not run: ${gap}`));
    }
  }
  if (!model.wasmModules.has(spec.module) && !mayExist("WasmModule", spec.module)) {
    found.push(missingProblem(origin, ["spec", "module"], "WasmModule", spec.module, model.wasmModules.keys()));
  }
  return found;
}

/** Says where requests would pass by a filter that is meant for this Service. */
function whereNotEnforced(service: Service, direction: "Inbound" | "Outbound", model: Model): string | undefined {
  const { name } = service.metadata;
  const { endpoints } = service.spec;
  const bare = endpoints.findIndex(({ sidecar }) => sidecar === undefined);
  if (bare >= 0) return `endpoints[${bare}] of Service ${name} has no sidecar`;
  const mute = endpoints.findIndex(({ sidecar }) => sidecar?.outboundPort === undefined);
  if (direction === "Outbound" && mute >= 0)
    return `the sidecar of endpoints[${mute}] of Service ${name} has no outboundPort`;
  if (endpoints.length > 0) return undefined;
  const routes: Route[] = [...model.httpRoutes.values(), ...model.grpcRoutes.values()];
  const isParent = routes.some(({ spec }) => spec.parentRefs.some((ref) => ref.name === name));
  if (!isParent) return undefined;
  return `Service ${name} has no endpoints of its own; name the Services behind it`;
}
