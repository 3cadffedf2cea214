import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { Candidacy, StopWatching, Store, Term } from "../store/index.ts";
import { PeerReports } from "./peer-reports.ts";
import type { Peers } from "./peers.ts";
import { Reporter } from "./reporter.ts";
import { Requests } from "./requests.ts";

const ELECTION = "rollouts";
const NOTICES = "rollouts/";

/** Hears of the other control planes on the same store. */
export interface ReplicationObserver {
  /** This one leads from now on, or does not any more. */
  leadChanged(): void;
  /** The others tell something else of their sidecars. */
  peersChanged(): void;
  /** Something is asked of the one that leads. */
  asked(): void;
}

/**
 * One of several control planes on one store. One of them leads: it alone writes what happens to Rollouts, in a term that ends with its lead. All
 * of them serve by what is written, and tell one another of the sidecars that are connected to them.
 */
export class Replication {
  readonly #candidacy: Candidacy;
  readonly #observers: Set<ReplicationObserver>;
  readonly #reports: PeerReports;
  readonly #stop: StopWatching;
  readonly reporter: Reporter;
  readonly requests: Requests;

  private constructor(
    candidacy: Candidacy,
    observers: Set<ReplicationObserver>,
    reports: PeerReports,
    stop: StopWatching,
    reporter: Reporter,
    requests: Requests,
  ) {
    this.#candidacy = candidacy;
    this.#observers = observers;
    this.#reports = reports;
    this.#stop = stop;
    this.reporter = reporter;
    this.requests = requests;
  }

  /** @param name for people, such as a host's. */
  static async join(store: Store, name: string, log: Logger): Promise<Replication> {
    const observers = new Set<ReplicationObserver>();
    const tell = (what: keyof ReplicationObserver): void => observers.forEach((observer) => observer[what]());
    const id = randomBytes(8).toString("hex");
    const reports = new PeerReports(id);
    const stop = await store.watchNotices(NOTICES, (changes) => {
      reports.take(changes);
      tell("peersChanged");
    });
    const requests = await Requests.open(store, () => tell("asked"));
    const candidacy = await store.stand(ELECTION, `${name} ${id}`, {
      elected: () => {
        log.info("this control plane leads the Rollouts");
        tell("leadChanged");
      },
      deposed: () => {
        log.warn("this control plane does not lead the Rollouts any more");
        tell("leadChanged");
      },
    });
    const reporter = new Reporter(store.notices(), `${NOTICES}${id}/`, log);
    return new Replication(candidacy, observers, reports, stop, reporter, requests);
  }

  observe(observer: ReplicationObserver): void {
    this.#observers.add(observer);
  }

  /** The term in which this one leads; undefined when it does not. */
  get term(): Term | undefined {
    return this.#candidacy.term;
  }

  get peers(): Peers {
    return this.#reports;
  }

  /** What others see of this one is gone before its sidecars go, and another may lead at once. */
  async leave(): Promise<void> {
    await this.reporter.withdraw();
    await this.#candidacy.withdraw().catch(() => undefined);
    await this.#stop();
    await this.requests.close();
  }
}
