import { Agent } from "node:http";
import { get, type Answer, type Ask } from "./http.ts";

/** Sends requests one after another, over kept connections, until it is stopped, and keeps every answer. */
export class Load {
  readonly answers: Answer[] = [];
  readonly errors: unknown[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(port: number, path: string, ask: Ask = {}) {
    this.#running = this.#run(port, path, ask);
  }

  /** Stops, and gives every answer. Throws when a request failed. */
  async stop(): Promise<Answer[]> {
    this.#isStopped = true;
    await this.#running;
    this.#agent.destroy();
    if (this.errors.length > 0) throw new AggregateError(this.errors, `${String(this.errors.length)} requests failed`);
    return this.answers;
  }

  async #run(port: number, path: string, ask: Ask): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.answers.push(await get(port, path, { ...ask, agent: this.#agent }));
      } catch (error) {
        this.errors.push(error);
      }
    }
  }
}
