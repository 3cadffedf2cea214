import { reasonToLeave } from "./decide.ts";
import { INBOUND_PORT, INJECTED, OUTBOUND_PORT, REDIRECTED, SERVICE } from "./names.ts";
import { PodError, type Container, type Pod, type PodSpec, type Selecting } from "./pod.ts";
import { probesOf, withProbes } from "./probes.ts";
import { redirectOf } from "./redirect.ts";
import type { InjectSettings } from "./settings.ts";
import { DEFAULT_GRACE_SECONDS, redirectContainer, sidecarContainer, tokenParts } from "./sidecar.ts";

export interface InjectOptions {
  readonly settings: InjectSettings;
  /** Certificates of the authorities whose control plane is believed, as PEM; not needed with `insecure`. */
  readonly trust?: string;
  /** Whether pods get a sidecar unless they say otherwise. */
  readonly isWanted: boolean;
  /** The pod's namespace, if the pod does not name it. */
  readonly namespace: string;
  /** The core Services of that namespace, as far as they are known. */
  readonly services: readonly Selecting[];
}

/** A pod with its sidecar, or why it is left as it is. */
export type Injection =
  { readonly kind: "injected"; readonly pod: Pod } | { readonly kind: "left"; readonly reason: string };

/**
 * Gives a pod, or the template of pods, a sidecar. Pure; a pod that has one is left.
 *
 * @throws PodError when it asks for what cannot be.
 */
export function inject(pod: Pod, options: InjectOptions): Injection {
  const { settings, isWanted } = options;
  const { native, ports } = settings.sidecar;
  const reason = reasonToLeave(pod, { isWanted, isOrdinary: !native });
  if (reason !== undefined) return { kind: "left", reason };
  const { spec } = pod;
  checkRoom(spec, settings);
  const redirect = redirectOf(pod, settings);
  const token = settings.controlPlane.insecure ? undefined : tokenParts(settings);
  const probes = redirect === undefined ? [] : probesOf(spec, [...redirect.inbound.keys()]);
  const sidecar = sidecarContainer({
    settings,
    probes,
    trust: options.trust,
    service: serviceOf(pod, options),
    graceSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
  });
  const first = [
    ...(redirect === undefined ? [] : [redirectContainer(redirect, settings)]),
    ...(native ? [sidecar] : []),
  ];
  const containers = withProbes(spec.containers, probes, ports.readiness);
  const added: Partial<PodSpec> = {
    ...(first.length > 0 ? { initContainers: [...first, ...(spec.initContainers ?? [])] } : {}),
    // Behind the others: commands such as `kubectl logs` take the first if they are told none.
    containers: native ? containers : [...containers, sidecar],
    ...(token === undefined ? {} : { volumes: [...(spec.volumes ?? []), token.volume] }),
  };
  const annotations = {
    ...pod.metadata?.annotations,
    [INJECTED]: "true",
    [INBOUND_PORT]: String(ports.inbound),
    [OUTBOUND_PORT]: String(ports.outbound),
    ...(redirect === undefined
      ? {}
      : { [REDIRECTED]: Array.from(redirect.inbound, ([port, to]) => `${port}=${to}`).join(",") }),
    ...token?.annotations,
  };
  return { kind: "injected", pod: { ...pod, metadata: { ...pod.metadata, annotations }, spec: { ...spec, ...added } } };
}

/** @throws PodError when something of the pod stands where the sidecar would. */
function checkRoom({ containers, initContainers, volumes }: PodSpec, settings: InjectSettings): void {
  const { ports, userId } = settings.sidecar;
  const volume = tokenParts(settings).volume.name;
  if ((volumes ?? []).some(({ name }) => name === volume)) throw new PodError(`it has a volume ${volume} of its own`);
  for (const container of [...(initContainers ?? []), ...containers]) {
    for (const { containerPort } of container.ports ?? [])
      for (const [use, port] of Object.entries(ports))
        if (port === containerPort)
          throw new PodError(`the container ${container.name} has the port ${port}, which is the sidecar's for ${use}`);
    if (userOf(container) === userId)
      throw new PodError(`the container ${container.name} runs as user ${userId}, who is the sidecar's`);
  }
}

function userOf({ securityContext }: Container): unknown {
  return typeof securityContext === "object" && securityContext !== null && "runAsUser" in securityContext
    ? securityContext.runAsUser
    : undefined;
}

/** The one Service that selects a pod, or the one that it names; as the model calls it. */
function serviceOf({ metadata = {} }: Pod, { services, namespace }: InjectOptions): string | undefined {
  const place = metadata.namespace ?? namespace;
  const named = metadata.annotations?.[SERVICE];
  if (named !== undefined) {
    if (/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(named)) return `${named}.${place}`;
    throw new PodError(`${SERVICE}: expected the name of a Service, found ${JSON.stringify(named.slice(0, 80))}`);
  }
  const labels = metadata.labels ?? {};
  const [service, other] = services.filter(({ selector }) => selects(selector, labels));
  return service === undefined || other !== undefined ? undefined : `${service.name}.${place}`;
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(selector);
  return entries.length > 0 && entries.every(([name, value]) => labels[name] === value);
}
