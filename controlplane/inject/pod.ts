// What of Kubernetes' objects is read here. Everything else in them is kept as it is.

export interface Metadata {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly [field: string]: unknown }[];
  readonly hostNetwork?: boolean;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly os?: { readonly name?: string };
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly [field: string]: unknown;
}

/** A pod, or the template of one. */
export interface Pod {
  readonly metadata?: Metadata;
  readonly spec: PodSpec;
  readonly [field: string]: unknown;
}

/** A core Service, for which pods it selects. */
export interface Selecting {
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
}

/** Something that should be a pod is none, or asks for what cannot be. */
export class PodError extends Error {
  override readonly name = "PodError";
}

/**
 * Checks what of a pod is read here.
 *
 * @param path where it stands, for messages.
 * @throws PodError
 */
export function asPod(value: unknown, path: string): Pod {
  const pod = object(value, path);
  const spec = object(pod["spec"], join(path, "spec"));
  for (const list of ["containers", "initContainers", "volumes"]) {
    const items = spec[list];
    const at = join(path, `spec.${list}`);
    if (items === undefined || items === null) {
      if (list === "containers") throw new PodError(`${at}: expected a list of containers`);
      continue;
    }
    if (!Array.isArray(items)) throw new PodError(`${at}: expected a list`);
    for (const [i, item] of items.entries()) checkNamed(item, `${at}[${i}]`);
  }
  const metadata = pod["metadata"] ?? {};
  const at = join(path, "metadata");
  for (const map of ["labels", "annotations"]) checkStrings(object(metadata, at)[map], `${at}.${map}`);
  checkStrings(spec["nodeSelector"], join(path, "spec.nodeSelector"));
  return value as Pod;
}

function checkNamed(item: unknown, path: string): void {
  const { name, ports } = object(item, path);
  if (typeof name !== "string" || name === "") throw new PodError(`${path}.name: expected a name`);
  if (ports === undefined || ports === null) return;
  if (!Array.isArray(ports)) throw new PodError(`${path}.ports: expected a list`);
  for (const [i, port] of ports.entries()) {
    const number = object(port, `${path}.ports[${i}]`)["containerPort"];
    if (!isPort(number)) throw new PodError(`${path}.ports[${i}].containerPort: expected a port`);
  }
}

function checkStrings(map: unknown, path: string): void {
  if (map === undefined || map === null) return;
  for (const [key, value] of Object.entries(object(map, path)))
    if (typeof value !== "string") throw new PodError(`${path}[${JSON.stringify(key)}]: expected a string`);
}

export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function object(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PodError(`${path === "" ? "the pod" : path}: expected an object`);
  return value as Readonly<Record<string, unknown>>;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
