import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Run, RunEvent } from "../rollout/index.ts";
import type { Webhook } from "./config.ts";
import { bodyOf, typeOf } from "./payload.ts";
import { headersFor } from "./sign.ts";

export interface WebhooksOptions {
  readonly webhooks: readonly Webhook[];
  readonly log: Logger;
  /** How long is waited after each attempt that failed, in milliseconds; give or take a fifth. After the last one a delivery is given up. */
  readonly delaysMs?: readonly number[];
  /** How long an attempt may take, in milliseconds. Default: 10 s. */
  readonly timeoutMs?: number;
}

/** Over about two and a half hours. */
const DELAYS_MS = [1, 5, 30, 120, 600, 1_800, 7_200].map((seconds) => seconds * 1_000);
/** Deliveries that wait for one receiver at most. */
const MAX_WAITING = 1_000;

interface Delivery {
  readonly id: string;
  readonly what: string;
  readonly body: string;
}

/**
 * Tells receivers what becomes of Rollouts. Nothing waits for it: a delivery is in memory until its receiver has it, in order for each
 * receiver, and is forgotten when the control plane ends.
 */
export class Webhooks {
  readonly #receivers: readonly Receiver[];

  constructor({ webhooks, ...options }: WebhooksOptions) {
    this.#receivers = webhooks.map((webhook) => new Receiver(webhook, options));
  }

  /** @param run as it is after these events. */
  send(run: Run, events: readonly RunEvent[]): void {
    for (const receiver of this.#receivers) {
      for (const event of events) receiver.send(run, event);
    }
  }

  close(): void {
    for (const receiver of this.#receivers) receiver.close();
  }
}

class Receiver {
  readonly #webhook: Webhook;
  readonly #options: Omit<WebhooksOptions, "webhooks">;
  readonly #waiting: Delivery[] = [];
  readonly #closing = new AbortController();
  #isBusy = false;
  #isGone = false;

  constructor(webhook: Webhook, options: Omit<WebhooksOptions, "webhooks">) {
    this.#webhook = webhook;
    this.#options = options;
  }

  send(run: Run, event: RunEvent): void {
    const { events, rollouts, name } = this.#webhook;
    if (this.#isGone || !events.has(typeOf(event)) || rollouts?.has(run.rollout) === false) return;
    if (this.#waiting.length >= MAX_WAITING) {
      const dropped = this.#waiting.splice(1, 1);
      this.#options.log.warn(`webhook ${name}: too many wait, given up: ${dropped[0]?.what ?? ""}`);
    }
    const what = `${typeOf(event)} of ${run.rollout}`;
    this.#waiting.push({ id: `msg_${randomUUID()}`, what, body: bodyOf(this.#webhook, run, event) });
    void this.#work();
  }

  close(): void {
    this.#closing.abort();
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** One after the other, so that they come in order. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (;;) {
      const [delivery] = this.#waiting;
      if (delivery === undefined || this.#isClosed() || this.#isGone) break;
      await this.#deliver(delivery);
      this.#waiting.shift();
    }
    this.#isBusy = false;
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { log, delaysMs = DELAYS_MS } = this.#options;
    const { name } = this.#webhook;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(delivery);
      if (outcome.isDone || this.#isClosed()) return;
      if (outcome.isGone) {
        log.warn(`webhook ${name}: the receiver is gone (410) and is told nothing any more`);
        this.#isGone = true;
        return;
      }
      const delay = delaysMs[attempt];
      if (delay === undefined) {
        log.error(`webhook ${name}: ${delivery.what} is given up after ${attempt + 1} attempts: ${outcome.why}`);
        return;
      }
      log.warn(`webhook ${name}: ${delivery.what}: ${outcome.why}; tried again in ${Math.round(delay / 1_000)} s`);
      await this.#pause(delay * (0.8 + 0.4 * Math.random()));
      if (this.#isClosed()) return;
    }
  }

  async #attempt({ id, body }: Delivery): Promise<{ isDone: boolean; isGone: boolean; why: string }> {
    const { url, secret } = this.#webhook;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#options.timeoutMs ?? 10_000)]);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headersFor(id, Date.now(), body, secret) },
        body,
        // A receiver that moved is to be written down anew: what is secret goes to nobody else.
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
      return { isDone: response.ok, isGone: response.status === 410, why: `status ${response.status}` };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return { isDone: false, isGone: false, why: cause instanceof Error ? cause.message : String(cause) };
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const timer = setTimeout(end, ms);
      // What waits keeps no process alive.
      timer.unref();
      signal.addEventListener("abort", end);
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      }
    });
  }
}
