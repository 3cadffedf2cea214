import { asPod, difference, inject, PodError, type InjectSettings } from "../inject/index.ts";
import type { AdmissionAnswer, AdmissionRequest } from "./review.ts";

export interface InjectionOptions {
  readonly settings: InjectSettings;
  /** Certificates of the authorities that sidecars are to trust now, as PEM. */
  readonly trust: () => string;
}

/** Gives a pod that is made its sidecar. Only such pods are asked about as want one: the selectors of the webhook see to that. */
export function answerForPod(request: AdmissionRequest, { settings, trust }: InjectionOptions): AdmissionAnswer {
  const { kind, operation, namespace, object } = request;
  if (kind !== "Pod" || operation !== "CREATE") return { allowed: true };
  try {
    const pod = asPod(object, "");
    const injection = inject(pod, { settings, trust: trust(), isWanted: true, namespace, services: [] });
    if (injection.kind === "injected") return { allowed: true, patch: difference(pod, injection.pod) };
    return { allowed: true, warnings: [`the pod gets no sidecar: ${injection.reason}`] };
  } catch (error) {
    if (!(error instanceof PodError)) throw error;
    return { allowed: false, message: `the pod cannot get a sidecar: ${error.message}` };
  }
}
