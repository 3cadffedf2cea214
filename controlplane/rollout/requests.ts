import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ConflictError, type Json, type StopWatching, type Store, type Term } from "../store/index.ts";
import type { Command, CommandResult } from "./commands.ts";

const STREAM = "rollout-requests";

/** How long whoever asks waits for an answer, in milliseconds. */
const ANSWER_MS = 15_000;

/** What a person may ask of a Rollout. */
export type Asked = Command | "start" | "retry" | "undo";

export interface Request {
  readonly id: string;
  readonly rollout: string;
  readonly command: Asked;
  /** Who asks. */
  readonly by: string;
}

type RequestEvent =
  | ({ readonly type: "Asked" } & Request)
  | { readonly type: "Answered"; readonly id: string; readonly result: CommandResult }
  /** Whoever asked has waited for too long, and told so: it is not to be done any more. */
  | { readonly type: "Withdrawn"; readonly id: string };

/**
 * What is asked of a control plane that does not lead, in the store for the one that does. A request that a leader has done and not answered, because it
 * died, is looked at again by the next one: it is refused then, since each command is in the state that it leads to.
 */
export class Requests {
  readonly #store: Store;
  readonly #onOpen: () => void;
  readonly #open = new Map<string, Request>();
  readonly #answers = new Map<string, CommandResult>();
  readonly #waiting = new Map<string, () => void>();
  #length = 0;
  #stop: StopWatching | undefined;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, onOpen: () => void) {
    this.#store = store;
    this.#onOpen = onOpen;
  }

  /** @param onOpen is called when there may be requests that wait. */
  static async open(store: Store, onOpen: () => void): Promise<Requests> {
    const requests = new Requests(store, onOpen);
    await requests.#sync();
    requests.#stop = await store.watch(STREAM, requests.#length, () => {
      void requests.#inTurn(() => requests.#sync()).catch(() => undefined);
    });
    return requests;
  }

  /** Those that wait for an answer, the first first. */
  get waiting(): readonly Request[] {
    return [...this.#open.values()];
  }

  /**
   * Asks whoever leads.
   * @param answerMs how long at most, in milliseconds.
   * @throws Error when nobody answers. It is not done later; it may have been done just now.
   */
  async ask(request: Omit<Request, "id">, answerMs = ANSWER_MS): Promise<CommandResult> {
    const id = randomUUID();
    const answered = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
    const given = new AbortController();
    try {
      await this.#append({ type: "Asked", id, ...request });
      await Promise.race([answered, sleep(answerMs, undefined, { signal: given.signal }).catch(() => undefined)]);
      if (!this.#answers.has(id)) await this.#append({ type: "Withdrawn", id }, () => this.#open.has(id));
      const result = this.#answers.get(id);
      if (result === undefined) {
        throw new Error("no control plane that leads the Rollouts has answered: look at their status, and try again");
      }
      return result;
    } finally {
      given.abort();
      this.#waiting.delete(id);
      this.#answers.delete(id);
    }
  }

  /** Answers as the one that leads. One that was withdrawn meanwhile is not. */
  async answer({ id }: Request, result: CommandResult, term: Term): Promise<void> {
    await this.#append({ type: "Answered", id, result }, () => this.#open.has(id), term);
  }

  async close(): Promise<void> {
    await this.#stop?.();
    await this.#work;
  }

  /** @param isStill whether it is still to be written, after what others have written. */
  #append(event: RequestEvent, isStill: () => boolean = () => true, term?: Term): Promise<void> {
    return this.#inTurn(async () => {
      for (;;) {
        await this.#sync();
        if (!isStill()) return;
        try {
          await this.#store.append(STREAM, this.#length, [event as unknown as Json], term);
        } catch (error) {
          if (error instanceof ConflictError) continue;
          throw error;
        }
        await this.#sync();
        return;
      }
    });
  }

  async #sync(): Promise<void> {
    for (const { version, data } of await this.#store.read(STREAM, this.#length)) {
      this.#length = version;
      this.#take(data as unknown as RequestEvent);
    }
  }

  #take(event: RequestEvent): void {
    const { id } = event;
    if (event.type === "Asked") {
      this.#open.set(id, event);
      this.#onOpen();
      return;
    }
    this.#open.delete(id);
    if (event.type !== "Answered" || !this.#waiting.has(id)) return;
    this.#answers.set(id, event.result);
    this.#waiting.get(id)?.();
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#work.then(step);
    this.#work = result.catch(() => undefined);
    return result;
  }
}
