import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { get } from "../http.ts";

/** What one sidecar answered. */
export interface Answers {
  sent: number;
  /** Answers that are no 200, and requests without an answer. */
  failed: number;
  /** Answers by the version of the filter that they were marked with; without a mark by none. */
  readonly versions: Map<string, number>;
  /** When each version answered last. */
  readonly lastAt: Map<string, number>;
}

/** How long each sidecar rests between one answer and the next request, in milliseconds. */
const PAUSE_MS = 8;

/** Constant requests to several sidecars, to each one after another. */
export class Traffic {
  readonly answers: ReadonlyMap<string, Answers>;
  readonly #running: Promise<unknown>;
  readonly #keepAlive: boolean;
  #isStopped = false;

  /**
   * @param ports by node.
   * @param keepAlive false for a connection for each request: one that is open keeps what its listener was for as long as Envoy drains that.
   */
  constructor(ports: ReadonlyMap<string, number>, keepAlive = true) {
    this.#keepAlive = keepAlive;
    this.answers = new Map(
      [...ports.keys()].map((node) => [node, { sent: 0, failed: 0, versions: new Map(), lastAt: new Map() }]),
    );
    this.#running = Promise.all([...ports].map(([node, port]) => this.#send(node, port)));
  }

  /** Stops once all are answered. */
  async stop(): Promise<ReadonlyMap<string, Answers>> {
    this.#isStopped = true;
    await this.#running;
    return this.answers;
  }

  async #send(node: string, port: number): Promise<void> {
    const answers = this.answers.get(node);
    if (answers === undefined) return;
    const agent = new Agent({ keepAlive: this.#keepAlive, maxSockets: 1 });
    while (!this.#isStopped) {
      ++answers.sent;
      try {
        const { status, headers } = await get(port, "/", { agent });
        const version = String(headers["x-version"] ?? "none");
        answers.versions.set(version, (answers.versions.get(version) ?? 0) + 1);
        answers.lastAt.set(version, Date.now());
        if (status !== 200) ++answers.failed;
      } catch {
        ++answers.failed;
      }
      await sleep(PAUSE_MS);
    }
    agent.destroy();
  }
}
