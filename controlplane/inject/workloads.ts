import { asPod, type Pod, type Selecting } from "./pod.ts";

/** A pod, or the template of one, in an object. */
export interface Workload {
  /** The kind and name of the object, for people. */
  readonly name: string;
  readonly namespace: string | undefined;
  /** Where the pod stands in the object. */
  readonly path: readonly (string | number)[];
  readonly pod: Pod;
}

/** Where each kind has the template of its pods, by its API group. */
const templates: Readonly<Record<string, readonly string[]>> = {
  "/Pod": [],
  "/ReplicationController": ["spec", "template"],
  "/PodTemplate": ["template"],
  "apps/Deployment": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "apps/ReplicaSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
};

interface KubernetesObject {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly generateName?: unknown; readonly namespace?: unknown } | null;
  readonly spec?: { readonly selector?: unknown } | null;
  readonly items?: unknown;
}

/**
 * The pods of an object, or of those in a List.
 *
 * @throws PodError when a template is none.
 */
export function workloadsOf(value: unknown, path: readonly (string | number)[] = []): Workload[] {
  if (!isObject(value)) return [];
  if (Array.isArray(value.items) && typeof value.kind === "string" && value.kind.endsWith("List"))
    return value.items.flatMap((item, i) => workloadsOf(item, [...path, "items", i]));
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return [];
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const place = templates[`${group}/${kind}`];
  if (place === undefined) return [];
  const name = `${kind}/${text(metadata?.name) ?? text(metadata?.generateName) ?? "unnamed"}`;
  const pod = asPod(partOf(value, place), `${name}: ${place.join(".")}`.replace(/: $/, ""));
  const template = [...path, ...place];
  return [{ name, namespace: text(metadata?.namespace), path: template, pod }];
}

/** The core Services of an object, or of those in a List, with their namespaces. */
export function servicesOf(value: unknown): (Selecting & { readonly namespace: string | undefined })[] {
  if (!isObject(value)) return [];
  if (Array.isArray(value.items)) return value.items.flatMap((item) => servicesOf(item));
  const { apiVersion, kind, metadata, spec } = value;
  const name = text(metadata?.name);
  if (apiVersion !== "v1" || kind !== "Service" || name === undefined || !isObject(spec?.selector)) return [];
  const selector = Object.entries(spec.selector).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return [{ name, selector: Object.fromEntries(selector), namespace: text(metadata?.namespace) }];
}

function partOf(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, name) => (isRecord(part) ? part[name] : undefined), value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isObject(value: unknown): value is KubernetesObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value);
}
