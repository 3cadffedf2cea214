import type { Logger } from "pino";
import type { SourceEvent, SourceStatus } from "../../source/index.ts";
import type { KubernetesApi } from "../api.ts";
import type { Cluster } from "../cluster.ts";
import { ownKinds, routeKinds, type OwnKind, type RouteKind } from "../kinds.ts";
import { objectName, type ObjectName } from "../names.ts";
import type { CustomObject } from "../objects.ts";
import { collectionPath } from "../paths.ts";
import { objectStatus, type Condition, type ObjectFacts } from "./conditions.ts";
import { Events } from "./events.ts";
import { CONTROLLER, routeStatus, type ParentStatus } from "./route-status.ts";
import { StatusWriter, type Patch, type StatusWrite } from "./writer.ts";

const MANAGER = "meshwright";

/** Writes into a cluster what became of its resources: conditions, and events of what went wrong or happened. */
export class ClusterStatus {
  readonly #cluster: Cluster;
  readonly #writer: StatusWriter;
  readonly #events: Events;

  constructor(cluster: Cluster, api: KubernetesApi, log: Logger) {
    this.#cluster = cluster;
    this.#writer = new StatusWriter(api, log);
    this.#events = new Events(api, log);
  }

  tell(status: SourceStatus): void {
    const writes: StatusWrite[] = [];
    for (const { kind, object } of this.#cluster.objects()) {
      const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
      // What was not read yet is told of after it was.
      const generation = this.#cluster.generationRead(kind, name);
      if (generation === undefined && kind !== "MeshService" && !isRoute(kind)) continue;
      const write = isRoute(kind)
        ? this.#route(kind, object, name, generation, status)
        : this.#own(kind, object, name, generation ?? object.metadata.generation, status);
      if (write !== undefined) writes.push(write);
    }
    this.#writer.write(writes);
  }

  /** Another control plane writes it from now on. */
  leave(): void {
    this.#writer.forget();
  }

  event(event: SourceEvent): void {
    const [kind = "", model = ""] = event.resource.split(" ");
    const name = objectName(model);
    if (name === undefined || !(kind in ownKinds || kind in routeKinds)) return;
    const object = this.#cluster.object(kind as OwnKind | RouteKind, name);
    if (object !== undefined) this.#events.add(kind as OwnKind | RouteKind, object, event);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#writer.stop(), this.#events.stop()]);
  }

  #own(
    kind: OwnKind,
    object: CustomObject,
    name: ObjectName,
    generation: number | undefined,
    status: SourceStatus,
  ): StatusWrite {
    const { conditions, fields } = objectStatus(kind, name, status, this.#facts(kind, object, name));
    this.#notice(kind, object, conditions);
    const { apiVersion } = ownKinds[kind];
    return {
      key: `${kind} ${name.namespace}/${name.name}`,
      content: JSON.stringify([object.metadata.uid, generation, conditions, fields]),
      path: pathOf(kind, name),
      prepare: (present, now) => {
        const before = (present as { status?: { conditions?: WrittenCondition[]; [field: string]: unknown } }).status;
        const dated = dateAll(conditions, before?.conditions ?? [], generation, now);
        const next = { observedGeneration: generation, conditions: dated, ...fields };
        if (before !== undefined && canonical(before) === canonical(next)) return undefined;
        return {
          body: { apiVersion, kind, metadata: name, status: next },
          contentType: "application/apply-patch+yaml",
          query: { fieldManager: MANAGER, force: "true" },
        };
      },
    };
  }

  #route(
    kind: RouteKind,
    object: CustomObject,
    name: ObjectName,
    generation: number | undefined,
    status: SourceStatus,
  ): StatusWrite | undefined {
    const parents = routeStatus(
      kind,
      object,
      status,
      (service) => this.#cluster.service(service),
      (service) => this.#cluster.mayName(kind, name.namespace, service),
    );
    for (const { conditions } of parents) this.#notice(kind, object, conditions);
    const observed = generation ?? object.metadata.generation;
    return {
      key: `${kind} ${name.namespace}/${name.name}`,
      content: JSON.stringify([object.metadata.uid, observed, parents]),
      path: pathOf(kind, name),
      prepare: (present, now) => routePatch(present, parents, observed, now),
    };
  }

  #facts(kind: OwnKind, { spec }: CustomObject, name: ObjectName): ObjectFacts {
    if (kind === "Mesh") return { isMisplaced: name.namespace !== this.#cluster.rootNamespace };
    if (kind !== "MeshService") return {};
    const service = this.#cluster.service(name);
    const withoutSidecar = this.#cluster.withoutSidecar(name);
    const { port } = spec as { port?: number };
    if (service === undefined || !this.#cluster.isServed(name)) return { service: "missing", withoutSidecar };
    const hasPort = port === undefined || service.ports.some((one) => one.port === port);
    return { service: hasPort ? "there" : "without its port", withoutSidecar };
  }

  /** Faults are events too, since `kubectl describe` and alerts show them. */
  #notice(kind: OwnKind | RouteKind, object: CustomObject, conditions: readonly Condition[]): void {
    for (const { type, status, reason, message } of conditions) {
      const isWarning =
        type === "Degraded" ? status === "True" : status === "False" && reason !== "Pending" && type !== "Progressing";
      if (isWarning) this.#events.add(kind, object, { isWarning, reason, message: message === "" ? type : message });
    }
  }
}

interface WrittenCondition extends Condition {
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** Conditions with when each changed last. */
function dateAll(
  conditions: readonly Condition[],
  before: readonly WrittenCondition[],
  generation: number | undefined,
  now: string,
): WrittenCondition[] {
  return conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
    return {
      ...condition,
      lastTransitionTime,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
}

interface WrittenParent {
  readonly parentRef: unknown;
  readonly controllerName: string;
  readonly conditions?: readonly WrittenCondition[];
}

/** The statuses of other controllers stay: the list is one for all of them, so it is sent as a whole, and only onto what was read. */
function routePatch(
  present: unknown,
  parents: readonly ParentStatus[],
  generation: number | undefined,
  now: string,
): Patch | undefined {
  const { metadata, status } = present as {
    metadata: { resourceVersion?: string };
    status?: { parents?: WrittenParent[] };
  };
  const all = status?.parents ?? [];
  const own = all.filter(({ controllerName }) => controllerName === CONTROLLER);
  const others = all.filter(({ controllerName }) => controllerName !== CONTROLLER);
  const next = parents.map(({ parentRef, conditions }): WrittenParent => {
    const old = own.find((parent) => canonical(parent.parentRef) === canonical(parentRef));
    return {
      parentRef,
      controllerName: CONTROLLER,
      conditions: dateAll(conditions, old?.conditions ?? [], generation, now),
    };
  });
  if (canonical(own) === canonical(next)) return undefined;
  return {
    body: { metadata: { resourceVersion: metadata.resourceVersion }, status: { parents: [...others, ...next] } },
    contentType: "application/merge-patch+json",
    query: { fieldManager: MANAGER },
  };
}

/** The same text for values that are the same, in whatever order their fields are. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function isRoute(kind: string): kind is RouteKind {
  return kind in routeKinds;
}

function pathOf(kind: OwnKind | RouteKind, { namespace, name }: ObjectName): string {
  return `${collectionPath({ ...ownKinds, ...routeKinds }[kind], namespace)}/${name}`;
}
