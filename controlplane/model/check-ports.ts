import type { Found } from "./claims.ts";
import type { Problem } from "./problem.ts";
import { missingProblem } from "./references.ts";
import type { MayExist } from "./references.ts";
import type { Model, Service } from "./resources.ts";
import type { Endpoint } from "./services.ts";

/** Finds the faults of Services that are further ports of others: what they and their sidecars have to have in common with these. */
export function checkPorts({ services }: Model, mayExist: MayExist): Found {
  return [...services.values()].flatMap((service): Found => {
    const { portOf } = service.spec;
    if (portOf === undefined) return [];
    const owner = services.get(portOf);
    if (owner !== undefined) return [checkOwner(service, owner), ...checkSidecars(service, owner)];
    if (mayExist("Service", portOf)) return [];
    return [missingProblem(service.origin, ["spec", "portOf"], "Service", portOf, services.keys())];
  });
}

function checkOwner({ metadata, origin, spec }: Service, owner: Service): Problem | undefined {
  const { name } = owner.metadata;
  if (owner.spec.portOf !== undefined)
    return origin.problem(["spec", "portOf"], `Service ${name} is itself a port of Service ${owner.spec.portOf}`);
  const isListed = owner.spec.otherPorts.some((one) => one.port === spec.port && one.service === metadata.name);
  if (isListed) return undefined;
  const wanted = `{ port: ${spec.port}, service: ${metadata.name} }`;
  return origin.problem(["spec", "portOf"], `expected ${wanted} in the otherPorts of Service ${name}`);
}

function checkSidecars({ origin, spec }: Service, owner: Service): Found {
  const { name } = owner.metadata;
  const known = new Map(owner.spec.endpoints.map((endpoint) => [endpoint.sidecar?.node, endpoint]));
  return spec.endpoints.map((endpoint, e) => {
    const { sidecar } = endpoint;
    if (sidecar === undefined) return undefined;
    const path = ["spec", "endpoints", e, "sidecar"];
    const own = known.get(sidecar.node);
    if (own === undefined)
      return origin.problem([...path, "node"], `expected a sidecar of Service ${name}, found ${sidecar.node}`);
    if (addressOf(own) !== addressOf(endpoint)) {
      const found = `expected ${addressOf(own)}, where this sidecar of Service ${name} is, found ${addressOf(endpoint)}`;
      return origin.problem([...path, ...(sidecar.address === undefined ? [] : ["address"])], found);
    }
    if (accountOf(own) !== accountOf(endpoint))
      return origin.problem(path, `expected the serviceAccount that this sidecar has in Service ${name}`);
    if (sidecar.outboundPort !== undefined)
      return origin.problem([...path, "outboundPort"], `is said in Service ${name} for all of its ports`, "key");
    return undefined;
  });
}

function addressOf({ address, sidecar }: Endpoint): string {
  return sidecar?.address ?? address;
}

function accountOf({ sidecar }: Endpoint): string | undefined {
  const account = sidecar?.serviceAccount;
  return account && `${account.namespace}/${account.name}`;
}
