import type { PodIdentity, TokenReviewer } from "../security/index.ts";
import type { KubernetesApi } from "./api.ts";
import { nodeId } from "./names.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const POD_NAME = "authentication.kubernetes.io/pod-name";

/** The status of a TokenReview, as far as it is needed. */
interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
}

/** Asks a cluster which pod a service account's token was made for. */
export class TokenReviews implements TokenReviewer {
  /** What `meshwright inject` asks tokens for. */
  readonly audience = "meshwright";
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async review(token: string): ReturnType<TokenReviewer["review"]> {
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [this.audience] },
    };
    const { status = {} } = (await this.#api.send("POST", PATH, {}, body)) as { readonly status?: ReviewStatus };
    return podOf(status, this.audience);
  }
}

function podOf(status: ReviewStatus, audience: string): PodIdentity | { kind: "refused"; reason: string } {
  const refused = (reason: string): { kind: "refused"; reason: string } => ({ kind: "refused", reason });
  if (status.authenticated !== true) return refused(status.error ?? "the cluster does not know it");
  // An API server that knows nothing of audiences lets all pass.
  if (status.audiences?.includes(audience) !== true) return refused(`its audience is not "${audience}"`);
  const [, namespace, account] = ACCOUNT.exec(status.user?.username ?? "") ?? [];
  if (namespace === undefined || account === undefined) return refused("it is not that of a service account");
  const name = status.user?.extra?.[POD_NAME]?.[0];
  if (name === undefined) return refused("it is bound to no pod");
  return { kind: "pod", namespace, name, node: nodeId({ namespace, name }), account };
}
