import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { KubernetesError, type KubernetesApi } from "../api.ts";
import { ownKinds, routeKinds, type OwnKind, type RouteKind } from "../kinds.ts";
import type { CustomObject } from "../objects.ts";

/** What is told of an object. */
export interface EventText {
  readonly isWarning: boolean;
  readonly reason: string;
  readonly message: string;
}

/** The same event of an object is not told again for this time. */
const QUIET_MS = 10 * 60_000;
/** How many events may wait; more are dropped, as the API server would drop them. */
const MAX_WAITING = 200;
/** The API takes no longer message. */
const MAX_MESSAGE = 1_000;

/** Events of a cluster, each told once in a while. */
export class Events {
  readonly #api: Pick<KubernetesApi, "send">;
  readonly #log: Logger;
  readonly #told = new Map<string, number>();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(api: Pick<KubernetesApi, "send">, log: Logger) {
    this.#api = api;
    this.#log = log;
  }

  add(kind: OwnKind | RouteKind, { metadata }: CustomObject, { isWarning, reason, message }: EventText): void {
    const { namespace = "", name, uid = "" } = metadata;
    const now = Date.now();
    const text = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 3)}...` : message;
    const key = createHash("sha256")
      .update(JSON.stringify([kind, uid, reason, text]))
      .digest("hex")
      .slice(0, 16);
    if (now - (this.#told.get(key) ?? -Infinity) < QUIET_MS || this.#waiting >= MAX_WAITING) return;
    this.#told.set(key, now);
    for (const [old, at] of this.#told) if (now - at > QUIET_MS) this.#told.delete(old);
    const time = new Date(now).toISOString();
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name.slice(0, 200)}.${key}${now.toString(36)}`, namespace },
      involvedObject: { apiVersion: { ...ownKinds, ...routeKinds }[kind].apiVersion, kind, namespace, name, uid },
      ...{ type: isWarning ? "Warning" : "Normal", reason, message: text },
      ...{ source: { component: "meshwright" }, reportingComponent: "meshwright.dev/control-plane" },
      ...{ firstTimestamp: time.replace(/\.\d+Z$/, "Z"), lastTimestamp: time.replace(/\.\d+Z$/, "Z"), count: 1 },
    };
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      try {
        await this.#api.send("POST", `/api/v1/namespaces/${namespace}/events`, {}, event);
      } catch (error) {
        // Told again when it comes again.
        this.#told.delete(key);
        const status = error instanceof KubernetesError ? error.status : undefined;
        const why = error instanceof Error ? error.message : String(error);
        this.#log.debug({ status }, `an event of ${kind} ${name} is not written: ${why}`);
      } finally {
        this.#waiting--;
      }
    });
  }

  /** Waits for those that are on their way. */
  async stop(): Promise<void> {
    await this.#last;
  }
}
