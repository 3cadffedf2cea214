import type { Authority } from "./authority.ts";
import { formatIdentity } from "./identity.ts";
import { Renewal } from "./renewal.ts";
import type { Issued } from "./authority.ts";

export interface WorkloadOptions {
  readonly authority: Authority;
  readonly trustDomain: string;
  /** How long a certificate is good for. Default: 24 h. */
  readonly lifetimeMs?: number;
  /** The certificate of a Service was replaced. */
  readonly onRenewed: (service: string) => void;
  readonly onError: (error: Error) => void;
}

const hour = 3_600_000;

/** A certificate for each Service, in memory only: who restarts makes new ones. */
export class WorkloadCertificates {
  readonly #options: WorkloadOptions;
  readonly #renewals = new Map<string, Renewal>();

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** From now on there are certificates for these Services, and for no others. */
  async keep(services: ReadonlySet<string>): Promise<void> {
    for (const [service, renewal] of this.#renewals) {
      if (services.has(service)) continue;
      renewal.stop();
      this.#renewals.delete(service);
    }
    for (const service of services)
      if (!this.#renewals.has(service)) this.#renewals.set(service, await this.#start(service));
  }

  of(service: string): Issued | undefined {
    return this.#renewals.get(service)?.current;
  }

  stop(): void {
    for (const renewal of this.#renewals.values()) renewal.stop();
  }

  #start(service: string): Promise<Renewal> {
    const { authority, trustDomain, lifetimeMs = 24 * hour, onRenewed, onError } = this.#options;
    const uri = formatIdentity(trustDomain, { kind: "service", service });
    return Renewal.start({
      issue: () => authority.issue({ uri, lifetimeMs }),
      onRenewed: () => onRenewed(service),
      onError,
    });
  }
}
