import type { Logger } from "pino";
import type { CertificateTime } from "../certificates/index.ts";
import { CertificateError, WorkloadCertificates, type Security } from "../security/index.ts";
import { secretSet, sidecarsWithSecrets, type IdentityOfSidecars } from "../translate/index.ts";
import { createResourceSet, TypeUrl, type ResourceSet, type Snapshot } from "../xds/index.ts";
import type { Release } from "./pipeline.ts";
import { withSecrets } from "./with-secrets.ts";

/** Adds to what a sidecar is served the secrets of who it is, its Service or its service account, and of no other. */
export class Secrets {
  readonly #security: Security;
  readonly #certificates: WorkloadCertificates;
  readonly #sets = new Map<string, ResourceSet>();
  #snapshots = new WeakMap<Snapshot, { readonly secrets: ResourceSet; readonly snapshot: Snapshot }>();
  /** By the paths of identities. */
  #identities: ReadonlyMap<string, IdentityOfSidecars> = new Map();
  #paths: ReadonlyMap<string, string> = new Map();

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
      onRenewed: (path) => {
        this.#sets.delete(path);
        log.debug({ identity: path }, `the certificate of ${path} is renewed`);
        update(this.#identities.get(path)?.nodes ?? []);
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
    const identities = sidecarsWithSecrets(model, translation.sidecars);
    this.#identities = identities;
    this.#paths = new Map(
      [...identities].flatMap(([path, { nodes }]) => [...nodes].map((node): [string, string] => [node, path])),
    );
    await this.#certificates.keep([...identities.values()].map(({ identity }) => identity));
    for (const path of this.#sets.keys()) if (!identities.has(path)) this.#sets.delete(path);
  }

  /** @param node whose snapshot it is. */
  addTo(snapshot: Snapshot, node: string): Snapshot {
    const path = this.#paths.get(node);
    const secrets = path === undefined ? undefined : this.#of(path);
    if (secrets === undefined) return snapshot;
    const known = this.#snapshots.get(snapshot);
    if (known?.secrets === secrets) return known.snapshot;
    const made = withSecrets(snapshot, (present) =>
      present.length === 0 ? secrets : createResourceSet(TypeUrl.secret, [...secrets.resources.values(), ...present]),
    );
    this.#snapshots.set(snapshot, { secrets, snapshot: made });
    return made;
  }

  /** From when until when they are good. */
  times(): CertificateTime[] {
    return Array.from(this.#certificates.entries(), ([path, { notBefore, notAfter }]) => ({
      ...({ use: "workload", name: path, beginsAt: notBefore, endsAt: notAfter } as const),
    }));
  }

  stop(): void {
    this.#certificates.stop();
  }

  #of(path: string): ResourceSet | undefined {
    let set = this.#sets.get(path);
    const issued = this.#certificates.of(path);
    if (set === undefined && issued !== undefined)
      this.#sets.set(path, (set = secretSet(issued, this.#security.trust)));
    return set;
  }
}
