import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { KubernetesError, type WatchEvent } from "./api.ts";
import type { KubernetesObject } from "./objects.ts";
import { Reflector } from "./reflector.ts";

/** What an API says, one answer after another; a watch whose events are over hangs until it is ended. */
class ScriptedApi {
  readonly asked: string[] = [];
  readonly lists: (object | Error)[] = [];
  readonly watches: (readonly WatchEvent[] | Error)[] = [];

  get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    this.asked.push(`list ${path}${query["continue"] === undefined ? "" : ` from ${query["continue"]}`}`);
    const answer = this.lists.shift() ?? new Error("nothing more to list");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }

  async *watch(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    this.asked.push(`watch ${path} from ${query["resourceVersion"] ?? ""}`);
    const events = this.watches.shift();
    if (events instanceof Error) throw events;
    yield* events ?? [];
    if (events === undefined) await sleep(60_000, undefined, { signal, ref: false });
  }
}

const object = (name: string, version: string, value = 0): KubernetesObject => ({
  metadata: { name, namespace: "n", resourceVersion: version },
  spec: { value },
});
const list = (version: string, items: KubernetesObject[], next?: string): object => ({
  metadata: { resourceVersion: version, ...(next === undefined ? {} : { continue: next }) },
  items,
});
const gone: WatchEvent = { type: "ERROR", object: { code: 410, message: "too old resource version" } };

describe("a reflector", () => {
  let reflector: Reflector<unknown> | undefined;
  let seen: string[] = [];
  afterEach(() => reflector?.stop());

  const start = (api: ScriptedApi): Reflector<unknown> => {
    seen = [];
    const started = new Reflector({
      api,
      path: "/things",
      keep: ({ spec }) => spec,
      onChange: (key, now, before) => {
        seen.push(`${key} ${before === undefined ? "new" : now === undefined ? "gone" : "changed"}`);
      },
      log: pino({ level: "silent" }),
      backoff: { firstMs: 1, maxMs: 5 },
    });
    reflector = started;
    return started;
  };
  const until = async (condition: () => boolean): Promise<void> => {
    const end = Date.now() + 10_000;
    while (!condition()) {
      assert.ok(Date.now() < end, seen.join());
      await sleep(2);
    }
  };

  test("lists page by page, then watches from there, and tells only what has changed", async () => {
    const api = new ScriptedApi();
    api.lists.push(list("5", [object("a", "1")], "more"), list("7", [object("b", "2")]));
    api.watches.push([
      { type: "MODIFIED", object: object("a", "8") },
      { type: "MODIFIED", object: object("a", "9", 1) },
      { type: "DELETED", object: object("b", "10") },
    ]);
    await start(api).synced;
    await until(() => api.asked.length === 4);
    assert.deepEqual(seen, ["n/a new", "n/b new", "n/a changed", "n/b gone"]);
    assert.deepEqual(api.asked, [
      "list /things",
      "list /things from more",
      "watch /things from 7",
      "watch /things from 10",
    ]);
  });

  test("goes on at the version of the last bookmark when a watch breaks off", async () => {
    const api = new ScriptedApi();
    api.lists.push(list("5", []));
    api.watches.push([{ type: "BOOKMARK", object: object("", "40") }], new Error("connection refused"));
    start(api);
    await until(() => api.asked.length === 4);
    assert.deepEqual(api.asked.slice(1), ["watch /things from 5", "watch /things from 40", "watch /things from 40"]);
  });

  test("lists again what the API has forgotten, and finds out what is gone", async () => {
    const api = new ScriptedApi();
    api.lists.push(list("5", [object("a", "1"), object("b", "2")]), list("50", [object("b", "2"), object("c", "49")]));
    api.watches.push([gone]);
    const started = start(api);
    await until(() => api.asked.length === 4);
    assert.deepEqual(seen, ["n/a new", "n/b new", "n/c new", "n/a gone"]);
    assert.equal(started.lists, 2);
    assert.equal(api.asked[3], "watch /things from 50");
  });

  test("a watch that is refused with 410 is listed again too", async () => {
    const api = new ScriptedApi();
    api.lists.push(list("5", []), list("6", []));
    api.watches.push(new KubernetesError(410, "gone"));
    start(api);
    await until(() => api.asked.length === 4);
    assert.equal(api.asked[2], "list /things");
  });

  test("a kind that the cluster does not know is empty until it does", async () => {
    const api = new ScriptedApi();
    api.lists.push(new KubernetesError(404, "not found"), list("5", [object("a", "1")]));
    const started = start(api);
    await started.synced;
    assert.equal(started.size, 0);
    await until(() => started.size === 1);
  });

  test("what is known stays while the API is away", async () => {
    const api = new ScriptedApi();
    api.lists.push(list("5", [object("a", "1")]));
    api.watches.push(...Array.from({ length: 20 }, () => new Error("connection refused")));
    const started = start(api);
    await until(() => api.asked.length > 20);
    assert.equal(started.size, 1);
    assert.deepEqual(seen, ["n/a new"]);
  });
});
