import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { get, type Answer, type Ask } from "./http.ts";

/** Sends requests one after another, over kept connections, until it is stopped, and keeps every answer. */
export class Load {
  readonly answers: Answer[] = [];
  readonly errors: unknown[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #running: Promise<void>;
  #isStopped = false;

  /** @param pauseMs between an answer and the next request: what goes on for long need not keep a core busy. */
  constructor(port: number, path: string, ask: Ask = {}, pauseMs = 0) {
    this.#running = this.#run(port, path, ask, pauseMs);
  }

  /** Stops, and gives every answer. Throws when a request failed. */
  async stop(): Promise<Answer[]> {
    this.#isStopped = true;
    await this.#running;
    this.#agent.destroy();
    if (this.errors.length > 0) throw new AggregateError(this.errors, `${String(this.errors.length)} requests failed`);
    return this.answers;
  }

  async #run(port: number, path: string, ask: Ask, pauseMs: number): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.answers.push(await get(port, path, { ...ask, agent: this.#agent }));
      } catch (error) {
        this.errors.push(error);
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }
}
