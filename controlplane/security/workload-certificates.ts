import type { Authority } from "./authority.ts";
import { formatIdentity, identityPath, type Identity } from "./identity.ts";
import { Renewal } from "./renewal.ts";
import type { Issued } from "./authority.ts";

export interface WorkloadOptions {
  readonly authority: Authority;
  readonly trustDomain: string;
  /** How long a certificate is good for. Default: 24 h. */
  readonly lifetimeMs?: number;
  /** The certificate of an identity was replaced; `path` is that of `identityPath`. */
  readonly onRenewed: (path: string) => void;
  readonly onError: (error: Error) => void;
}

const hour = 3_600_000;

/** A certificate for each identity of applications, in memory only: who restarts makes new ones. */
export class WorkloadCertificates {
  readonly #options: WorkloadOptions;
  readonly #renewals = new Map<string, Renewal>();

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** From now on there are certificates for these identities, and for no others. */
  async keep(identities: Iterable<Identity>): Promise<void> {
    const wanted = new Map([...identities].map((identity) => [identityPath(identity), identity]));
    for (const [path, renewal] of this.#renewals) {
      if (wanted.has(path)) continue;
      renewal.stop();
      this.#renewals.delete(path);
    }
    for (const [path, identity] of wanted) {
      if (!this.#renewals.has(path)) this.#renewals.set(path, await this.#start(path, identity));
    }
  }

  /** @param path as `identityPath` has it. */
  of(path: string): Issued | undefined {
    return this.#renewals.get(path)?.current;
  }

  /** All that there are, by the paths of their identities. */
  *entries(): Generator<readonly [path: string, certificate: Issued]> {
    for (const [path, { current }] of this.#renewals) yield [path, current];
  }

  stop(): void {
    for (const renewal of this.#renewals.values()) renewal.stop();
  }

  #start(path: string, identity: Identity): Promise<Renewal> {
    const { authority, trustDomain, lifetimeMs = 24 * hour, onRenewed, onError } = this.#options;
    const uri = formatIdentity(trustDomain, identity);
    return Renewal.start({
      issue: () => authority.issue({ uri, lifetimeMs }),
      onRenewed: () => onRenewed(path),
      onError,
    });
  }
}
