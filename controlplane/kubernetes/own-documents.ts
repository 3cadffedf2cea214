import { unresolvedBackends, without } from "../model/index.ts";
import { modelName, type ObjectName } from "./names.ts";
import type { CustomObject, ServicePort } from "./objects.ts";
import { portModelName, type ServedPorts } from "./service-ports.ts";
import { ownKinds, routeKinds, type OwnKind, type RouteKind } from "./kinds.ts";

/** The kinds whose objects are resources of the model as they are, but for names. */
export type DocumentKind = Exclude<OwnKind, "MeshService"> | RouteKind;

export interface Surroundings {
  /** The Services of the object's namespace, by the names that they have there. */
  readonly servicesOf: (namespace: string) => Iterable<string>;
  /** The ports of a Service that the mesh serves. */
  readonly portsOf: (service: ObjectName) => ServedPorts | undefined;
  /** Whether a route of a namespace may name a Service as a backend. */
  readonly mayName: (kind: RouteKind, namespace: string, service: ObjectName) => boolean;
  /** The namespace in which resources are for the whole mesh. */
  readonly rootNamespace: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * An object as a file has it: names of the same namespace become those of the model. Undefined for a route that has no Service as its parent,
 * and for a Mesh in another than the root namespace.
 * What reaches into another namespace is left as it is, so that the model refuses it.
 */
export function ownDocument(kind: DocumentKind, object: CustomObject, around: Surroundings): object | undefined {
  const { namespace = "", name, creationTimestamp, labels } = object.metadata;
  // What holds for the whole mesh nobody writes into another namespace.
  if (kind === "Mesh" && namespace !== around.rootNamespace) return undefined;
  const spec = specOf(kind, object.spec, namespace, around);
  if (spec === undefined) return undefined;
  // As the Gateway API wants it: a backend that is not there is answered with an error, and the rest of the route works.
  const usual = kind in routeKinds ? { [unresolvedBackends]: "Answer" } : {};
  const annotations = { ...usual, ...object.metadata.annotations };
  return {
    apiVersion: { ...ownKinds, ...routeKinds }[kind].apiVersion,
    kind,
    metadata: {
      name: kind === "Mesh" ? name : modelName({ namespace, name }),
      ...(labels === undefined ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec,
  };
}

function specOf(kind: DocumentKind, spec: Json, namespace: string, around: Surroundings): Json | undefined {
  const named = (value: unknown): unknown => withNamespace(value, namespace);
  switch (kind) {
    case "HTTPRoute":
    case "GRPCRoute":
      return routeSpec(spec, namespace, {
        ...around,
        mayName: (service) => around.mayName(kind, namespace, service),
      });
    case "WasmModule":
      return within(spec, "imagePullSecrets", (secrets) => list(secrets, named));
    case "FilterPolicy":
      // The root id is the module's own name by default, which is not its name in the model.
      return {
        rootId: spec["module"],
        ...spec,
        targetRefs: list(spec["targetRefs"], (ref) => targetIn(ref, namespace, around)),
        module: nameIn(spec["module"], namespace),
      };
    case "Quota":
    case "Mesh":
    case "Certificate":
      return spec;
    case "Rollout":
      return {
        ...spec,
        targetRefs: list(spec["targetRefs"], (ref) => rolloutTarget(ref, namespace, around)),
        ...(spec["waves"] === undefined ? {} : { waves: list(spec["waves"], (wave) => waveIn(wave, namespace)) }),
      };
    case "EnvoyPatch":
      return {
        ...spec,
        ...targets(spec, namespace, around),
        patches: list(spec["patches"], (patch) =>
          within(patch, "target", (target) => within(target, "service", (service) => nameIn(service, namespace))),
        ),
      };
    case "Telemetry":
      return {
        ...spec,
        ...targets(spec, namespace, around),
        ...within(spec, "tracing", (tracing) => within(tracing, "collector", named)),
        ...(spec["accessLogs"] === undefined
          ? {}
          : { accessLogs: list(spec["accessLogs"], (log) => within(log, "collector", named)) }),
      };
  }
}

/** What names no Services is for all of its namespace, and only in the root namespace for all. */
function targets(spec: Json, namespace: string, { servicesOf, rootNamespace }: Surroundings): Json {
  const refs = spec["targetRefs"];
  if (refs !== undefined) return { targetRefs: list(refs, (ref) => withNamespace(ref, namespace)) };
  if (namespace === rootNamespace) return {};
  return { targetRefs: [...servicesOf(namespace)].sort().map((name) => ({ name: modelName({ namespace, name }) })) };
}

/** There is one Mesh, which has no namespace in the model; who may not write it may not roll it out. */
function rolloutTarget(ref: unknown, namespace: string, { rootNamespace }: Surroundings): unknown {
  return asObject(ref)["kind"] === "Mesh" && namespace === rootNamespace ? ref : withNamespace(ref, namespace);
}

function waveIn(wave: unknown, namespace: string): unknown {
  return within(wave, "selector", (selector) =>
    within(selector, "services", (services) => list(services, (service) => nameIn(service, namespace))),
  );
}

interface Backends extends Pick<Surroundings, "portsOf"> {
  readonly mayName: (service: ObjectName) => boolean;
}

function routeSpec(spec: Json, namespace: string, backends: Backends): Json | undefined {
  const parents = (Array.isArray(spec["parentRefs"]) ? (spec["parentRefs"] as unknown[]) : []).filter(isServiceParent);
  if (parents.length === 0) return undefined;
  const filtersIn = (value: unknown): Json =>
    within(value, "filters", (filters) => list(filters, (filter) => filterIn(filter, namespace, backends)));
  return {
    ...spec,
    parentRefs: parents.flatMap((parent) => parentsIn(parent, namespace, backends)),
    ...(spec["rules"] === undefined
      ? {}
      : {
          rules: list(spec["rules"], (rule) =>
            filtersIn(
              within(rule, "backendRefs", (refs) =>
                list(refs, (ref) => filtersIn(backendIn(ref, namespace, backends))),
              ),
            ),
          ),
        }),
  };
}

/** A Service as the parent of a route; those of other kinds are for others. */
export function isServiceParent(ref: unknown): boolean {
  const { group = "gateway.networking.k8s.io", kind = "Gateway" } = asObject(ref);
  return kind === "Service" && (group === "" || group === "core");
}

function filterIn(filter: unknown, namespace: string, backends: Backends): unknown {
  return within(filter, "requestMirror", (mirror) =>
    within(mirror, "backendRef", (ref) => backendIn(ref, namespace, backends)),
  );
}

/** A Service as a parent means all its ports, unless one is named. */
function parentsIn(parent: unknown, own: string, { portsOf }: Backends): Json[] {
  const ref = { group: "", ...asObject(withNamespace(parent, own)) } as Json;
  const { name, namespace = own, port, sectionName } = asObject(parent);
  const ports = typeof name === "string" && namespace === own ? portsOf({ namespace: own, name }) : undefined;
  if (typeof name !== "string" || ports === undefined) return [ref];
  const service = { namespace: own, name };
  const other = (of: ServicePort): Json => ({ ...ref, name: portModelName(service, of) });
  if (port === undefined && sectionName === undefined) return [ref, ...ports.others.map(other)];
  const isMeant = portIs(port, sectionName);
  const meant = [...ports.same].find(([of]) => isMeant(of))?.[1] ?? ports.others.find(isMeant);
  if (meant === undefined) return [ref];
  const named = without(ref, "port", "sectionName");
  const isNamed = isMeant(meant);
  if (meant === ports.first) return [named];
  return [isNamed ? other(meant) : { ...named, name: portModelName(service, meant) }];
}

/** What a FilterPolicy is for. A port that leads where another one does is that one. */
function targetIn(target: unknown, own: string, { portsOf }: Pick<Surroundings, "portsOf">): unknown {
  const ref = withNamespace(target, own) as Json;
  const { name, namespace = own, port, sectionName } = asObject(target);
  if (typeof name !== "string" || namespace !== own || (port === undefined && sectionName === undefined)) return ref;
  const isMeant = portIs(port, sectionName);
  const same = [...(portsOf({ namespace: own, name })?.same ?? [])].find(([of]) => isMeant(of))?.[1];
  return same === undefined ? ref : { ...without(ref, "port", "sectionName"), port: same.port };
}

function portIs(port: unknown, sectionName: unknown): (of: ServicePort) => boolean {
  return (of) => (port === undefined || of.port === port) && (sectionName === undefined || of.name === sectionName);
}

/** One that may not be named counts as one that is not there: no namespace has a dot, so no Service has this name. */
function backendIn(ref: unknown, own: string, { mayName, portsOf }: Backends): unknown {
  const { namespace = own, ...rest } = asObject(ref);
  const { name, port } = rest;
  if (typeof namespace !== "string" || typeof name !== "string") return withNamespace(ref, own);
  const service = { namespace, name };
  if (!mayName(service)) return { ...rest, name: modelName({ ...service, namespace: `${namespace}.not-granted` }) };
  const ports = portsOf(service);
  const same = [...(ports?.same ?? [])].find(([of]) => of.port === port)?.[1];
  const meant = same ?? ports?.others.find((other) => other.port === port);
  if (meant === undefined) return { ...rest, name: modelName(service) };
  const isOther = meant !== ports?.first;
  return { ...rest, name: isOther ? portModelName(service, meant) : modelName(service), port: meant.port };
}

/** A reference by name within the namespace. One into another namespace keeps saying so. */
function withNamespace(ref: unknown, own: string): unknown {
  if (typeof ref !== "object" || ref === null || Array.isArray(ref)) return ref;
  const { namespace, ...rest } = ref as Json;
  const isElsewhere = namespace !== undefined && namespace !== own;
  return { ...rest, ...(isElsewhere ? { namespace } : {}), name: nameIn(rest["name"], own) };
}

function nameIn(name: unknown, namespace: string): unknown {
  return typeof name === "string" ? modelName({ namespace, name } satisfies ObjectName) : name;
}

function within(value: unknown, field: string, change: (value: unknown) => unknown): Json {
  const object = asObject(value);
  return object[field] === undefined ? object : { ...object, [field]: change(object[field]) };
}

/** What the API has checked already is an object. */
function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown, change: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(change) : value;
}
