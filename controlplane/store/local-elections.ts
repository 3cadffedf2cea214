import type { Candidacy, ElectionObserver } from "./store.ts";

interface Candidate {
  readonly name: string;
  readonly observer: ElectionObserver;
}

/** Elections among those of one process: who stands first leads until it withdraws. */
export class LocalElections {
  readonly #standing = new Map<string, Candidate[]>();

  stand(election: string, name: string, observer: ElectionObserver): Candidacy {
    const candidate: Candidate = { name, observer };
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
}
