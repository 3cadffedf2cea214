import type { Model, Resource as UserResource } from "../model/index.ts";
import { covers, holdOf, type Hold } from "../rollout/index.ts";
import { SERVED_TYPES, TypeUrl, typeNameOf, type Resource } from "../xds/index.ts";
import { standingOf, type Standing } from "./dump.ts";
import { inspectNode, UnknownError, type InspectSource } from "./node.ts";
import { typeUrlOf } from "./types.ts";

/** From what a user wrote to what a sidecar says of it. */
export interface Trace {
  readonly node: string;
  readonly service: string;
  readonly connected: boolean;
  /** The resource that was asked for, where it is a user's. */
  readonly source?: Origin;
  /** The Envoy resources that come of it, or that were asked for. */
  readonly resources: readonly TracedResource[];
  /** The Rollouts by which the sidecar has older versions of what was asked for, and why. */
  readonly heldBack: readonly Hold[];
  /** What else there is to say. */
  readonly notes: readonly string[];
}

/** A resource that a user wrote. */
export interface Origin {
  /** `Kind/name`. */
  readonly resource: string;
  /** `file:line:column`. */
  readonly at: string;
}

export interface TracedResource extends Standing {
  /** Such as `Listener`. */
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** Everything that the user wrote which it comes of. */
  readonly from: readonly Origin[];
  /** Where the sidecar is to have it otherwise, and a Rollout holds that back: the version that it is to have, null if none. */
  readonly heldBack?: { readonly version: string | null };
}

/**
 * @param query `Kind/name` of a user's resource, or the name of an Envoy resource, also as `Type/name`.
 * @throws UnknownError when there is no such node or resource.
 */
export function trace(source: InspectSource, id: string, query: string): Trace {
  const { node, snapshot, view, status } = inspectNode(source, id);
  const model = source.release?.model;
  const wanted = source.wanted;
  // What a Rollout holds back altogether is in what the source says only.
  const asked = (model && findUserResource(model, query)) ?? (wanted && findUserResource(wanted.model, query));
  const later = wanted?.translation.snapshotFor(node).snapshot;
  const laterVersion = ({ typeUrl, name }: Resource): string | null =>
    later?.sets.get(typeUrl)?.resources.get(name)?.version ?? null;
  const originsOf = (resource: Resource): readonly UserResource[] => {
    const origins = source.release?.translation.originsOf(resource) ?? [];
    if (origins.length > 0 || resource.typeUrl !== TypeUrl.secret) return origins;
    // The control plane's own secrets are made for a Service as a whole.
    return [model?.services.get(node.cluster) ?? []].flat();
  };
  const all = [...(snapshot?.sets.values() ?? [])].flatMap((set) => [...set.resources.values()]);
  const matching =
    asked === undefined
      ? findEnvoyResources(all, query)
      : all.filter((resource) => originsOf(resource).some((one) => one === asked));
  const holds = holdsFor(source, id, asked, matching.flatMap(originsOf));
  const isHeld = (resource: Resource): boolean =>
    holds.length > 0 && resource.typeUrl !== TypeUrl.secret && laterVersion(resource) !== resource.version;
  if (asked === undefined && matching.length === 0) throw new UnknownError(unknown(model, all, id, query));
  return {
    node: node.id,
    service: node.cluster,
    connected: view?.connected ?? false,
    ...(asked === undefined ? {} : { source: originOf(asked) }),
    resources: matching.map((resource) => ({
      type: typeNameOf(resource.typeUrl),
      name: resource.name,
      version: resource.version,
      from: originsOf(resource).map(originOf),
      ...(isHeld(resource) ? { heldBack: { version: laterVersion(resource) } } : {}),
      ...standingOf(status.get(resource.typeUrl)?.resources.find(({ name }) => name === resource.name)),
    })),
    heldBack: holds,
    notes: holds.length > 0 ? [] : notesOn(asked, matching, id),
  };
}

/** The Rollouts by which a sidecar has older versions: of what was asked for, or of what comes of the same resources. */
function holdsFor(
  { rollouts, release }: InspectSource,
  node: string,
  asked: UserResource | undefined,
  origins: readonly UserResource[],
): readonly Hold[] {
  const place = release?.translation.sidecars.get(node);
  const keys = new Set([asked ?? [], origins].flat().map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  return (rollouts?.views ?? []).flatMap((view) => {
    if (place === undefined || !covers([view.plan.stable, view.plan.desired], place)) return [];
    const hold = holdOf(view, node);
    if (hold === undefined) return [];
    const isAsked = asked?.kind === "Rollout" && asked.metadata.name === hold.rollout;
    return isAsked || hold.targets.some((target) => keys.has(target)) ? [hold] : [];
  });
}

function notesOn(asked: UserResource | undefined, matching: readonly Resource[], id: string): string[] {
  if (asked === undefined || matching.length > 0) return [];
  if (asked.kind === "Quota") return ["a Quota is not sent to sidecars: they ask for leases of it"];
  if (asked.kind === "Rollout") return ["a Rollout is not sent to sidecars: it says when they get what it is about"];
  return [`nothing of it is for the sidecar ${id}`];
}

export function originOf({ kind, metadata, origin }: UserResource): Origin {
  const { file, line, column } = origin.locate([]);
  return { resource: `${kind}/${metadata.name}`, at: `${file}:${line}:${column}` };
}

function userResources(model: Model): UserResource[] {
  const maps = Object.values(model) as ReadonlyMap<string, UserResource>[];
  return maps.flatMap((resources) => [...resources.values()]);
}

function findUserResource(model: Model, query: string): UserResource | undefined {
  return userResources(model).find(({ kind, metadata }) => `${kind}/${metadata.name}` === query);
}

function findEnvoyResources(all: readonly Resource[], query: string): Resource[] {
  const slash = query.indexOf("/");
  const typeUrl = slash < 0 ? undefined : typeUrlOf(query.slice(0, slash));
  const name = typeUrl === undefined ? query : query.slice(slash + 1);
  return all.filter((one) => one.name === name && (typeUrl === undefined || one.typeUrl === typeUrl));
}

function unknown(model: Model | undefined, all: readonly Resource[], id: string, query: string): string {
  const kinds = new Set(model && userResources(model).map(({ kind }) => kind as string));
  const [kind = ""] = query.split("/");
  const names = kinds.has(kind)
    ? userResources(model as Model).flatMap((one) => (one.kind === kind ? `${one.kind}/${one.metadata.name}` : []))
    : all
        .filter(({ typeUrl }) => SERVED_TYPES.includes(typeUrl))
        .map(({ typeUrl, name }) => `${typeNameOf(typeUrl)}/${name}`);
  const what = kinds.has(kind) ? `there is no ${query}` : `${id} is served nothing called "${query}"`;
  if (names.length === 0) return what;
  return `${what}; there are: ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", ..." : ""}`;
}
