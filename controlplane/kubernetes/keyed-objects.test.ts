import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { until } from "../../test/support/until.ts";
import { KubernetesError, type WatchEvent } from "./api.ts";
import { KeyedObjectError, KeyedObjects, keyPath } from "./keyed-objects.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What a cluster shows of some objects, by `configmaps/NAME` and `secrets/NAME`; `undefined`: it refuses. */
class PretendedApi {
  readonly objects = new Map<string, object | undefined>();
  readonly asked = new Set<string>();

  get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const name = (query["fieldSelector"] ?? "").replace("metadata.name=", "");
    const id = `${path.replace("/api/v1/namespaces/n/", "")}/${name}`;
    this.asked.add(id);
    if (this.objects.has(id) && this.objects.get(id) === undefined) {
      return Promise.reject(new KubernetesError(403, "secrets is forbidden"));
    }
    const found = this.objects.get(id);
    const items = found === undefined ? [] : [{ ...found, metadata: { name, namespace: "n" } }];
    return Promise.resolve({ metadata: { resourceVersion: "1" }, items });
  }

  async *watch(_path: string, _query: unknown, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    await sleep(60_000, undefined, { signal, ref: false });
    yield* [];
  }
}

describe("files in ConfigMaps and Secrets", () => {
  let files: KeyedObjects | undefined;
  let changes = 0;
  afterEach(() => files?.stop());

  const open = (api: PretendedApi): KeyedObjects => {
    changes = 0;
    return (files = new KeyedObjects(api, () => changes++, pino({ level: "silent" })));
  };
  const fault = async (path: string, kind: "ConfigMap" | "Secret"): Promise<string> => {
    try {
      await files?.read(path, kind);
      return "";
    } catch (error) {
      assert.ok(error instanceof KeyedObjectError);
      return `${error.message}${error.missing === undefined ? "" : ` [${error.missing}]`}`;
    }
  };

  test("are read by their keys, of whichever kind is meant", async () => {
    const api = new PretendedApi();
    api.objects.set("configmaps/a", { data: { text: "1" }, binaryData: { bytes: base64("2") } });
    api.objects.set("secrets/a.b", { type: "kubernetes.io/tls", data: { "tls.crt": base64("3") } });
    const opened = open(api);
    const read = async (kind: "ConfigMap" | "Secret", name: string): Promise<string> =>
      Buffer.from(await opened.read(keyPath(kind, "n", name), kind)).toString();
    assert.deepEqual(
      [await read("ConfigMap", "a/text"), await read("ConfigMap", "a/bytes"), await read("Secret", "a.b/tls.crt")],
      ["1", "2", "3"],
    );
    assert.equal(changes, 0);
  });

  test("of a Secret are not those of a module, nor the other way round", async () => {
    const api = new PretendedApi();
    api.objects.set("secrets/a", { data: { key: base64("secret") } });
    open(api);
    assert.match(await fault(keyPath("Secret", "n", "a/key"), "ConfigMap"), /^expected CONFIGMAP\/KEY/);
    assert.match(await fault(keyPath("ConfigMap", "n", "a/key"), "Secret"), /^expected SECRET\/KEY/);
    assert.deepEqual([...api.asked], []);
  });

  test("are named as the API names objects, or the API is not asked", async () => {
    const api = new PretendedApi();
    open(api);
    for (const name of [
      "a",
      "a/b/c",
      "a=b/c",
      "a,metadata.namespace=m/c",
      "A/c",
      "../secrets/a/c",
      "a /c",
      "a/c\n",
      "/c",
    ]) {
      assert.match(await fault(keyPath("ConfigMap", "n", name), "ConfigMap"), /^expected CONFIGMAP\/KEY/, name);
    }
    assert.deepEqual([...api.asked], []);
  });

  test("that are not there are told apart from those of another type, whose contents are not kept", async () => {
    const api = new PretendedApi();
    api.objects.set("secrets/token", { type: "kubernetes.io/service-account-token", data: { token: base64("x") } });
    api.objects.set("secrets/a", { type: "Opaque", data: { one: "" } });
    open(api);
    assert.equal(
      await fault(keyPath("Secret", "n", "b/one"), "Secret"),
      "there is no Secret b in namespace n [Secret n/b]",
    );
    assert.equal(await fault(keyPath("Secret", "n", "a/constructor"), "Secret"), "the Secret a has no key constructor");
    assert.equal(
      await fault(keyPath("Secret", "n", "token/token"), "Secret"),
      "expected a Secret of type kubernetes.io/tls or Opaque, found kubernetes.io/service-account-token",
    );
  });

  test("that the API refuses hold up nothing, and are there once it does no more", async () => {
    const api = new PretendedApi();
    api.objects.set("secrets/a", undefined);
    const opened = open(api);
    const path = keyPath("Secret", "n", "a/key");
    await opened.follow([path]);
    assert.equal(await fault(path, "Secret"), "secrets is forbidden");
    api.objects.set("secrets/a", { data: { key: base64("now") } });
    await until(() => changes > 0, 10_000);
    assert.equal(Buffer.from(await opened.read(path, "Secret")).toString(), "now");
  });
});
