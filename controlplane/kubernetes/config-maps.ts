import type { Logger } from "pino";
import type { KubernetesApi } from "./api.ts";
import type { KubernetesObject } from "./objects.ts";
import { Reflector } from "./reflector.ts";

interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
  readonly binaryData: Readonly<Record<string, string>>;
}

/** The ConfigMaps that WasmModules name, and no others. Paths are `kubernetes:NAMESPACE/ConfigMap/NAME/KEY`. */
export class ConfigMaps {
  readonly #api: KubernetesApi;
  readonly #onChange: () => void;
  readonly #log: Logger;
  readonly #followed = new Map<string, Reflector<ConfigMap>>();

  constructor(api: KubernetesApi, onChange: () => void, log: Logger) {
    this.#api = api;
    this.#onChange = onChange;
    this.#log = log;
  }

  /** Follows those that are named by these paths, and no others any more. */
  async follow(paths: readonly string[]): Promise<void> {
    const wanted = new Set(paths.flatMap((path) => partsOf(path)?.map ?? []));
    for (const [map, reflector] of this.#followed) {
      if (wanted.has(map)) continue;
      this.#followed.delete(map);
      await reflector.stop();
    }
    await Promise.all([...wanted].map((map) => this.#of(map).synced));
  }

  /** @throws Error when there is no such key. */
  async read(path: string): Promise<Uint8Array> {
    const parts = partsOf(path);
    if (parts === undefined) throw new Error("expected CONFIGMAP/KEY, of the same namespace");
    const { map, namespace, name, key } = parts;
    const reflector = this.#of(map);
    await reflector.synced;
    const found = reflector.get(map);
    if (found === undefined) throw new Error(`there is no ConfigMap ${name} in namespace ${namespace}`);
    const binary = Object.hasOwn(found.binaryData, key) ? found.binaryData[key] : undefined;
    if (binary !== undefined) return Buffer.from(binary, "base64");
    const text = Object.hasOwn(found.data, key) ? found.data[key] : undefined;
    if (text !== undefined) return Buffer.from(text, "utf8");
    throw new Error(`the ConfigMap ${name} has no key ${key}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#followed.values()].map((reflector) => reflector.stop()));
  }

  #of(map: string): Reflector<ConfigMap> {
    const known = this.#followed.get(map);
    if (known !== undefined) return known;
    const [namespace = "", name = ""] = map.split("/");
    const reflector: Reflector<ConfigMap> = new Reflector({
      api: this.#api,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      name,
      keep: keepConfigMap,
      // What is there at first is no change.
      onChange: () => {
        if (reflector.isSynced) this.#onChange();
      },
      log: this.#log,
    });
    this.#followed.set(map, reflector);
    return reflector;
  }
}

function partsOf(path: string): { map: string; namespace: string; name: string; key: string } | undefined {
  const found = /^kubernetes:([^/]+)\/ConfigMap\/([^/]+)\/([^/]+)$/.exec(path);
  if (found === null) return undefined;
  const [, namespace = "", name = "", key = ""] = found;
  return { map: `${namespace}/${name}`, namespace, name, key };
}

function keepConfigMap(object: KubernetesObject): ConfigMap {
  const { data, binaryData } = object as Partial<ConfigMap>;
  return { data: data ?? {}, binaryData: binaryData ?? {} };
}
