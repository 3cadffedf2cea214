import type { Logger } from "pino";
import { CertificateError, WorkloadCertificates, type Security } from "../security/index.ts";
import { secretSet, sidecarsWithSecrets } from "../translate/index.ts";
import { createResourceSet, TypeUrl, type ResourceSet, type Snapshot } from "../xds/index.ts";
import type { Release } from "./pipeline.ts";
import { withSecrets } from "./with-secrets.ts";

/** Adds to what a sidecar is served the secrets of its Service, and of no other. */
export class Secrets {
  readonly #security: Security;
  readonly #certificates: WorkloadCertificates;
  readonly #sets = new Map<string, ResourceSet>();
  #snapshots = new WeakMap<Snapshot, { readonly secrets: ResourceSet; readonly snapshot: Snapshot }>();
  #nodes: ReadonlyMap<string, readonly string[]> = new Map();

  /** @param update is told the nodes whose secrets have changed. */
  constructor(security: Security, update: (nodes: Iterable<string> | undefined) => void, log: Logger) {
    const { authority, trustDomain } = security;
    if (authority === undefined)
      throw new CertificateError("there is no authority that issues certificates to sidecars");
    this.#security = security;
    this.#certificates = new WorkloadCertificates({
      authority,
      trustDomain,
      ...(security.workloadLifetimeMs === undefined ? {} : { lifetimeMs: security.workloadLifetimeMs }),
      onRenewed: (service) => {
        this.#sets.delete(service);
        log.debug({ service }, `the certificate of Service ${service} is renewed`);
        update(this.#nodes.get(service) ?? []);
      },
      onError: (error) => log.error({ err: error }, `a certificate could not be renewed: ${error.message}`),
    });
    security.onTrustChange(() => {
      this.#sets.clear();
      update(undefined);
    });
  }

  /** Makes what the sidecars of a release need. */
  async keep({ model, translation }: Pick<Release, "model" | "translation">): Promise<void> {
    const nodes = sidecarsWithSecrets(model, translation.sidecars);
    this.#nodes = nodes;
    await this.#certificates.keep(new Set(nodes.keys()));
    for (const service of this.#sets.keys()) if (!nodes.has(service)) this.#sets.delete(service);
  }

  /** @param node whose snapshot it is, a sidecar of `service`. */
  addTo(snapshot: Snapshot, node: string, service: string): Snapshot {
    const secrets = this.#nodes.get(service)?.includes(node) === true ? this.#of(service) : undefined;
    if (secrets === undefined) return snapshot;
    const known = this.#snapshots.get(snapshot);
    if (known?.secrets === secrets) return known.snapshot;
    const made = withSecrets(snapshot, (present) =>
      present.length === 0 ? secrets : createResourceSet(TypeUrl.secret, [...secrets.resources.values(), ...present]),
    );
    this.#snapshots.set(snapshot, { secrets, snapshot: made });
    return made;
  }

  stop(): void {
    this.#certificates.stop();
  }

  #of(service: string): ResourceSet | undefined {
    let set = this.#sets.get(service);
    const issued = this.#certificates.of(service);
    if (set === undefined && issued !== undefined)
      this.#sets.set(service, (set = secretSet(issued, this.#security.trust)));
    return set;
  }
}
