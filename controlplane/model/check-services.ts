import { isIP } from "node:net";
import { Claims, repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import type { Origin } from "./document.ts";
import { durationMilliseconds } from "./duration.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import { writtenService } from "./mesh.ts";
import type { ServedService } from "./resources.ts";
import type { LoadBalancing, Locality, ServiceDefaults, ServiceSpec } from "./services.ts";

/** Finds the faults of Services, each in itself and against the others. */
export function checkServices(services: readonly ServedService[]): Found {
  if (areDisjoint(services)) return [];
  const claims = newClaims();
  return services.flatMap((service) => checkService(service, claims));
}

function checkService(service: ServedService, claims: ServiceClaims): Found {
  return [
    ...checkEndpoints(service, claims),
    ...checkMtls(service),
    // What the Mesh says is looked at there.
    ...checkDefaults(writtenService(service).spec, service.origin, ["spec"]),
    ...checkPolicies(service.spec, service.origin),
  ];
}

/** What belongs to one only. */
interface ServiceClaims {
  readonly sockets: Claims;
  readonly nodes: Claims;
}

function newClaims(): ServiceClaims {
  return { sockets: new Claims("listening address"), nodes: new Claims("node") };
}

/**
 * What a Service claims in which nothing is wrong; undefined for one with a fault. Services stay as they are, and mostly one of many is
 * new, so this is found once for each.
 */
const known = new WeakMap<ServedService, readonly (readonly [key: string, owner: string])[] | undefined>();

/** Whether no Service has a fault, nor anything that another has too. */
function areDisjoint(services: readonly ServedService[]): boolean {
  const owners = new Map<string, string>();
  for (const service of services) {
    if (!known.has(service)) known.set(service, claimsOf(service));
    const claims = known.get(service);
    if (claims === undefined) return false;
    for (const [key, owner] of claims) {
      const before = owners.get(key);
      if (before === undefined) owners.set(key, owner);
      else if (before !== owner) return false;
    }
  }
  return true;
}

function claimsOf(service: ServedService): readonly (readonly [string, string])[] | undefined {
  const claims = newClaims();
  if (checkService(service, claims).some((problem) => problem !== undefined)) return undefined;
  const { name } = service.metadata;
  return Object.entries(claims).flatMap(([what, { owners }]: [string, Claims]) =>
    // Within a Service nobody has what another has, so it stands for all who are in it.
    Array.from(owners, ([key, owner]) => [`${what} ${key}`, owner === WITHOUT_SIDECAR ? owner : name] as const),
  );
}

/** Nothing of ours listens there, so it may be in several Services. */
const WITHOUT_SIDECAR = "an application without sidecar";

function checkMtls(service: ServedService): Found {
  const { spec, origin } = service;
  // A certificate that nobody needs who speaks plaintext instead would be none.
  if (spec.inboundTls?.trust !== undefined && spec.mtls !== "Strict")
    return [
      origin.problem(["spec", "inboundTls", "trust"], `needs mtls: Strict, found ${spec.mtls}: plaintext is taken`),
    ];
  if (spec.mtls === "Off") return [];
  // Nobody there could show a certificate, and a caller must not fall back to plaintext.
  const without = spec.endpoints.findIndex(({ sidecar }) => sidecar === undefined);
  if (without < 0) return [];
  const ofMesh = writtenService(service).spec.mtls === undefined;
  const wanted = ofMesh ? `mtls ${spec.mtls} of the Mesh (mtls: Off here is for plaintext)` : `mtls ${spec.mtls}`;
  return [origin.problem(["spec", "endpoints", without], `required with ${wanted}: sidecar`)];
}

function checkEndpoints({ metadata, origin, spec }: ServedService, { sockets, nodes }: ServiceClaims): Found {
  return spec.endpoints.flatMap(({ address, port, sidecar }, index): Found => {
    const path = ["spec", "endpoints", index];
    const owner = `Service ${metadata.name} endpoints[${index}]`;
    // Loopback addresses are one machine's own, so what may not meet is compared within the machine.
    const machine = sidecar?.address ?? address;
    const claimSocket = (
      at: string,
      onPort: number,
      field: readonly string[],
      by = `${owner}.${field.join(".")}`,
    ): Problem | undefined => {
      const socket = isIP(at) === 6 ? `[${at}]:${onPort}` : `${at}:${onPort}`;
      return sockets.claim(`${machine} ${socket}`, by, origin, [...path, ...field], socket);
    };
    if (sidecar === undefined) {
      const isAddress = isIP(address) !== 0;
      const at = [...path, "address"];
      const first = spec.endpoints.findIndex((other) => other.address === address && other.port === port);
      return [
        isAddress ? checkAddress(address, origin, at) : checkHost(address, origin, at),
        first < index
          ? origin.problem(path, `the endpoint ${address}:${port} is there twice (see item ${first})`)
          : undefined,
        isAddress ? claimSocket(address, port, ["port"], WITHOUT_SIDECAR) : undefined,
      ];
    }
    const found = [checkAddress(address, origin, [...path, "address"]), claimSocket(address, port, ["port"])];
    found.push(
      // Of a further port it is a sidecar of the Service whose port this is; see check-ports.ts.
      nodes.claim(
        spec.portOf === undefined ? sidecar.node : `${sidecar.node} for ${metadata.name}`,
        ...([owner, origin, [...path, "sidecar", "node"], sidecar.node] as const),
      ),
      checkAddress(sidecar.outboundAddress, origin, [...path, "sidecar", "outboundAddress"]),
      claimSocket(machine, sidecar.inboundPort, ["sidecar", "inboundPort"]),
    );
    if (sidecar.address !== undefined) {
      found.push(checkAddress(sidecar.address, origin, [...path, "sidecar", "address"]));
    }
    if (sidecar.outboundPort !== undefined) {
      found.push(claimSocket(sidecar.outboundAddress, sidecar.outboundPort, ["sidecar", "outboundPort"]));
    }
    return found;
  });
}

function checkAddress(address: string, origin: Origin, path: Path): Problem | undefined {
  if (isIP(address) === 0) {
    return origin.problem(path, `expected an IPv4 or IPv6 address, found ${JSON.stringify(address)}`);
  }
  if (address !== "0.0.0.0" && address !== "::") return undefined;
  return origin.problem(path, `expected the address of one interface, found ${address}`);
}

/** A name for DNS. One whose last label is a number is an address with a typing error. */
function checkHost(address: string, origin: Origin, path: Path): Problem | undefined {
  const label = /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i;
  const labels = address.replace(/\.$/, "").split(".");
  const isHost =
    address.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? "");
  if (isHost) return undefined;
  return origin.problem(path, `expected an IPv4 or IPv6 address, or a host name, found ${JSON.stringify(address)}`);
}

/** The most that Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL. */
const maxKeepaliveSeconds = 32_767;

/** Finds the faults of what a Service may say itself or leave to the Mesh. @param path of the object that has them. */
export function checkDefaults(spec: ServiceDefaults, origin: Origin, path: Path): Found {
  const { connectTimeout, outlierDetection: outlier, tcpKeepalive: keepalive } = spec;
  const at = (...rest: readonly (string | number)[]): Path => [...path, ...rest];
  const found: Found = [];
  if (connectTimeout !== undefined) found.push(...positive(connectTimeout, origin, at("connectTimeout")));
  if (outlier !== undefined) {
    const kinds = ["consecutive5xx", "consecutiveGatewayFailure", "consecutiveLocalOriginFailure"] as const;
    const detections = [...kinds, "successRate", "failurePercentage"] as const;
    if (detections.every((field) => outlier[field] === undefined)) {
      found.push(origin.problem(at("outlierDetection"), `expected at least one of ${detections.join(", ")}`));
    }
    for (const field of ["interval", "baseEjectionTime"] as const) {
      found.push(...positive(outlier[field], origin, at("outlierDetection", field)));
    }
    const { baseEjectionTime, maxEjectionTime } = outlier;
    if (
      maxEjectionTime !== undefined &&
      durationMilliseconds(maxEjectionTime) < durationMilliseconds(baseEjectionTime)
    ) {
      const message = `expected at least baseEjectionTime, ${baseEjectionTime}, found ${maxEjectionTime}`;
      found.push(origin.problem(at("outlierDetection", "maxEjectionTime"), message));
    }
  }
  if (keepalive !== undefined) {
    for (const field of ["idleTime", "interval"] as const) {
      const text = keepalive[field];
      if (text === undefined) continue;
      const ms = durationMilliseconds(text);
      // Linux refuses more, and Envoy's connections fail then.
      if (ms >= 1000 && ms % 1000 === 0 && ms <= maxKeepaliveSeconds * 1000) continue;
      found.push(
        origin.problem(
          at("tcpKeepalive", field),
          `expected whole seconds, 1s to ${maxKeepaliveSeconds}s, found ${text}`,
        ),
      );
    }
  }
  return found;
}

function checkPolicies(spec: ServiceSpec, origin: Origin): Found {
  const { healthCheck, http2, protocol, dns } = spec;
  const at = (...path: readonly (string | number)[]): Path => ["spec", ...path];
  const found: Found = [...checkLoadBalancing(spec.loadBalancing, origin)];
  if (healthCheck !== undefined) {
    for (const field of ["interval", "noTrafficInterval", "timeout"] as const) {
      found.push(...positive(healthCheck[field], origin, at("healthCheck", field)));
    }
    if (healthCheck.type === "GRPC" && protocol !== "HTTP2") {
      found.push(origin.problem(at("healthCheck", "type"), "GRPC needs the protocol HTTP2"));
    }
  }
  if (http2 !== undefined && protocol !== "HTTP2") {
    found.push(origin.problem(at("http2"), "needs the protocol HTTP2", "key"));
  }
  if (http2?.connectionKeepalive !== undefined) {
    for (const field of ["interval", "timeout"] as const) {
      found.push(...positive(http2.connectionKeepalive[field], origin, at("http2", "connectionKeepalive", field)));
    }
  }
  if (dns !== undefined) {
    found.push(...positive(dns.refreshRate, origin, at("dns", "refreshRate")));
    if (spec.endpoints.every(({ address }) => isIP(address) !== 0)) {
      found.push(origin.problem(at("dns"), "no endpoint's address is a host name", "key"));
    }
  }
  return found;
}

type PolicyName = LoadBalancing["policy"];

/** The fields that say something of some policies only. */
const policiesOf: readonly [field: keyof LoadBalancing, policies: readonly PolicyName[]][] = [
  ["choiceCount", ["LeastRequest"]],
  ["minimumRingSize", ["RingHash"]],
  ["maximumRingSize", ["RingHash"]],
  ["tableSize", ["Maglev"]],
  ["hashPolicies", ["RingHash", "Maglev"]],
  ["slowStart", ["RoundRobin", "LeastRequest"]],
];

function checkLoadBalancing(balancing: LoadBalancing, origin: Origin): Found {
  const { policy, hashPolicies, tableSize, minimumRingSize, maximumRingSize, slowStart, localityWeights } = balancing;
  const at = (...path: readonly (string | number)[]): Path => ["spec", "loadBalancing", ...path];
  const found: Found = policiesOf.map(([field, policies]) => {
    if (balancing[field] === undefined || policies.includes(policy)) return undefined;
    return origin.problem(at(field), `only with the policy ${policies.join(" or ")}, found ${policy}`, "key");
  });
  if ((policy === "RingHash" || policy === "Maglev") && hashPolicies === undefined) {
    found.push(origin.problem(at("hashPolicies"), `required with the policy ${policy}`, "key"));
  }
  if (tableSize !== undefined && !isPrime(tableSize)) {
    found.push(origin.problem(at("tableSize"), `expected a prime number, such as 65537, found ${tableSize}`));
  }
  if ((minimumRingSize ?? 1024) > (maximumRingSize ?? 8_388_608)) {
    const message = `expected at most maximumRingSize, ${maximumRingSize ?? 8_388_608}, found ${minimumRingSize ?? 1024}`;
    found.push(origin.problem(at("minimumRingSize"), message));
  }
  if (slowStart !== undefined) found.push(...positive(slowStart.window, origin, at("slowStart", "window")));
  const localities = (localityWeights ?? []).map(localityName);
  found.push(...repeated(localities, "locality", origin, (w) => at("localityWeights", w)));
  return found;
}

/** A locality as a text that is its own. */
export function localityName({ region, zone, subZone }: Locality): string {
  return [region, zone, subZone].join("/").replace(/\/+$/, "");
}

function isPrime(n: number): boolean {
  if (n % 2 === 0) return n === 2;
  for (let d = 3; d * d <= n; d += 2) if (n % d === 0) return false;
  return n > 1;
}

export function positive(text: string, origin: Origin, path: Path): Found {
  return durationMilliseconds(text) > 0 ? [] : [origin.problem(path, `expected more than 0s, found ${text}`)];
}
