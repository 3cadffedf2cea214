import type { Candidacy, ElectionObserver, Term } from "./store.ts";

interface Candidate {
  readonly name: string;
  readonly term: Term;
  readonly observer: ElectionObserver;
}

/** Elections among those of one process: who stands first leads until it withdraws. */
export class LocalElections {
  readonly #standing = new Map<string, Candidate[]>();
  #terms = 0;

  stand(election: string, name: string, observer: ElectionObserver): Candidacy {
    const candidate: Candidate = { name, term: { election, id: String(++this.#terms) }, observer };
    const standing = this.#standing.get(election) ?? [];
    this.#standing.set(election, standing);
    standing.push(candidate);
    const isLeader = (): boolean => standing[0] === candidate;
    const tell = (first: Candidate | undefined): void =>
      queueMicrotask(() => {
        if (first !== undefined && standing[0] === first) first.observer.elected();
      });
    if (isLeader()) tell(candidate);
    return {
      get isLeader() {
        return isLeader();
      },
      get term() {
        return isLeader() ? candidate.term : undefined;
      },
      leader: () => Promise.resolve(standing[0]?.name),
      withdraw: () => {
        const wasLeader = isLeader();
        const at = standing.indexOf(candidate);
        if (at >= 0) standing.splice(at, 1);
        if (wasLeader) tell(standing[0]);
        return Promise.resolve();
      },
    };
  }

  /** Whether a term is not over. */
  isOn({ election, id }: Term): boolean {
    return this.#standing.get(election)?.[0]?.term.id === id;
  }
}
