import { Status } from "./abi/enums.ts";

interface Queue {
  readonly items: Uint8Array[];
  onReady: (token: number) => void;
}

/** The shared queues of one Envoy process. Give several hosts the same SharedQueues to make them workers of one process. */
export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues = new Map<number, Queue>();

  /** Makes the queue or finds it. The last one to register is told of new items. */
  register(vmId: string, name: string, onReady: (token: number) => void): number {
    const key = JSON.stringify([vmId, name]);
    const known = this.#tokens.get(key);
    const queue = known === undefined ? undefined : this.#queues.get(known);
    if (known !== undefined && queue !== undefined) {
      queue.onReady = onReady;
      return known;
    }
    const token = this.#queues.size + 1;
    this.#tokens.set(key, token);
    this.#queues.set(token, { items: [], onReady });
    return token;
  }

  resolve(vmId: string, name: string): number | undefined {
    return this.#tokens.get(JSON.stringify([vmId, name]));
  }

  /** Adds an item and returns what tells the registered context of it; Envoy posts that to the context's thread. */
  enqueue(token: number, item: Uint8Array): (() => void) | undefined {
    const queue = this.#queues.get(token);
    if (queue === undefined) return undefined;
    queue.items.push(item);
    return () => queue.onReady(token);
  }

  dequeue(token: number): Uint8Array | typeof Status.NotFound | typeof Status.Empty {
    const queue = this.#queues.get(token);
    if (queue === undefined) return Status.NotFound;
    return queue.items.shift() ?? Status.Empty;
  }

  /** How many items wait in a queue. */
  size(token: number): number {
    return this.#queues.get(token)?.items.length ?? 0;
  }
}
