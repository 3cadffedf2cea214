import { INJECT, REDIRECTOR, SIDECAR } from "./names.ts";
import { PodError, type Pod } from "./pod.ts";

/** What a pod's surroundings say of it. */
export interface Surroundings {
  /** Whether pods here get a sidecar unless they say otherwise: the label of the namespace, or the command `inject`. */
  readonly isWanted: boolean;
  /** Whether the sidecar would be a container that runs as long as it is not ended; see `sidecar.native` of the settings. */
  readonly isOrdinary: boolean;
}

/** Sidecars of other meshes, which listen where ours would, or redirect connections. */
const foreign: ReadonlyMap<string, string> = new Map([
  ["istio-proxy", "Istio"],
  ["istio-init", "Istio"],
  ["linkerd-proxy", "Linkerd"],
  ["linkerd-init", "Linkerd"],
  ["kuma-sidecar", "Kuma"],
  ["consul-dataplane", "Consul"],
  ["osm-init", "Open Service Mesh"],
]);

/**
 * Why a pod is left as it is; undefined if it gets a sidecar.
 *
 * @throws PodError when it says neither that it wants one nor that it does not.
 */
export function reasonToLeave(pod: Pod, { isWanted, isOrdinary }: Surroundings): string | undefined {
  const { metadata = {}, spec } = pod;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const wish = switchOf(metadata.labels, "label") ?? switchOf(metadata.annotations, "annotation");
  if (wish === false) return `${INJECT} says false`;
  if (wish === undefined && !isWanted) return "neither it nor its namespace asks for a sidecar";
  if (containers.some(({ name }) => name === SIDECAR)) return "it has the sidecar already";
  if (containers.some(({ name }) => name === REDIRECTOR))
    return `it has a container ${REDIRECTOR}, but none that is called ${SIDECAR}`;
  if (spec.hostNetwork === true)
    return "it shares the network of its node (hostNetwork), where a sidecar's ports would be those of the node";
  const os = spec.os?.name ?? spec.nodeSelector?.["kubernetes.io/os"];
  if (os !== undefined && os !== "linux") return `it runs on ${os}, and the sidecar on Linux only`;
  for (const { name } of containers) {
    const mesh = foreign.get(name);
    if (mesh !== undefined) return `it has the sidecar of ${mesh} (${name})`;
  }
  if (isOrdinary && spec.restartPolicy !== undefined && spec.restartPolicy !== "Always")
    return `it is to end (restartPolicy ${spec.restartPolicy}), and would not with a sidecar that is an ordinary container`;
  return undefined;
}

function switchOf(map: Readonly<Record<string, string>> | null | undefined, what: string): boolean | undefined {
  const text = map?.[INJECT];
  if (text === undefined) return undefined;
  return switchFrom(text, `the ${what} ${INJECT}`);
}

/** @throws PodError */
export function switchFrom(text: string, what: string): boolean {
  if (text !== "true" && text !== "false")
    throw new PodError(`${what}: expected true or false, found ${JSON.stringify(text.slice(0, 80))}`);
  return text === "true";
}
