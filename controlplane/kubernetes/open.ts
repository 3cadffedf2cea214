import { existsSync, readFileSync } from "node:fs";
import type { Logger } from "pino";
import { KubernetesApi } from "./api.ts";
import { KubernetesSource } from "./source.ts";
import { TokenReviews } from "./token-reviews.ts";

const OWN_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
const USUAL_NAMESPACE = "meshwright-system";

/** A cluster, for what the control plane needs of it. */
export interface Kubernetes {
  readonly source: KubernetesSource;
  /** Reviews the tokens of sidecars. */
  readonly tokens: TokenReviews;
}

/**
 * The cluster as a source. What names no Services is for the whole mesh in the control plane's own namespace, which is
 * `meshwright-system` where it does not run in the cluster.
 *
 * @throws KubeConfigError
 */
export function openKubernetes(options: {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly log: Logger;
}): Kubernetes {
  const { kubeconfig, namespace, log } = options;
  const api = KubernetesApi.open(kubeconfig);
  const isInside = kubeconfig === undefined && existsSync(OWN_NAMESPACE);
  const rootNamespace = isInside ? readFileSync(OWN_NAMESPACE, "utf8").trim() : USUAL_NAMESPACE;
  const where = namespace === undefined ? "all namespaces" : `namespace ${namespace}`;
  log.info({ rootNamespace }, `following ${where} of the cluster at ${api.server}`);
  const source = new KubernetesSource({ api, rootNamespace, log, ...(namespace === undefined ? {} : { namespace }) });
  return { source, tokens: new TokenReviews(api) };
}
