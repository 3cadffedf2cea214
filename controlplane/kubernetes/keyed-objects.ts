import type { Logger } from "pino";
import type { KubernetesApi } from "./api.ts";
import type { ObjectName } from "./names.ts";
import type { KubernetesObject } from "./objects.ts";
import { collectionPath } from "./paths.ts";
import { Reflector } from "./reflector.ts";

/** What WasmModules and Certificates name files in. */
const holders = {
  ConfigMap: { apiVersion: "v1", plural: "configmaps" },
  Secret: { apiVersion: "v1", plural: "secrets" },
} as const;
export type HolderKind = keyof typeof holders;

/** A file cannot be read. */
export class KeyedObjectError extends Error {
  /** What is not there, as `Kind name`. */
  readonly missing: string | undefined;

  constructor(message: string, missing?: string) {
    super(message);
    this.missing = missing;
  }
}

/** What is kept of an object: its keys, or why they are not looked at. */
interface Keyed {
  readonly values: Readonly<Record<string, string>>;
  /** Those in base64; they come before the others. */
  readonly encoded: Readonly<Record<string, string>>;
  readonly fault?: string;
}

interface Followed {
  readonly reflector: Reflector<Keyed>;
  /** Why the API does not show it. */
  refusal?: string | undefined;
}

interface Place extends ObjectName {
  readonly kind: HolderKind;
  readonly key: string;
}

/** The ConfigMaps that WasmModules name and the Secrets that Certificates name, and no others. */
export class KeyedObjects {
  readonly #api: Pick<KubernetesApi, "get" | "watch">;
  readonly #onChange: () => void;
  readonly #log: Logger;
  readonly #followed = new Map<string, Followed>();

  constructor(api: Pick<KubernetesApi, "get" | "watch">, onChange: () => void, log: Logger) {
    this.#api = api;
    this.#onChange = onChange;
    this.#log = log;
  }

  /** Follows those that are named by these paths, and no others any more. */
  async follow(paths: readonly string[]): Promise<void> {
    const wanted = new Map(paths.flatMap((path) => placeIn(path) ?? []).map((place) => [idOf(place), place]));
    for (const [id, { reflector }] of this.#followed) {
      if (wanted.has(id)) continue;
      this.#followed.delete(id);
      await reflector.stop();
    }
    await Promise.all([...wanted.values()].map((place) => this.#of(place).reflector.synced));
  }

  /** @throws KeyedObjectError when there is no such key in an object of this kind. */
  async read(path: string, kind: HolderKind): Promise<Uint8Array> {
    const place = placeIn(path);
    if (place?.kind !== kind) throw new KeyedObjectError(`expected ${kind.toUpperCase()}/KEY, of the same namespace`);
    const { namespace, name, key } = place;
    const followed = this.#of(place);
    await followed.reflector.synced;
    if (followed.refusal !== undefined) throw new KeyedObjectError(followed.refusal);
    const found = followed.reflector.get(`${namespace}/${name}`);
    if (found === undefined) {
      throw new KeyedObjectError(
        `there is no ${kind} ${name} in namespace ${namespace}`,
        `${kind} ${namespace}/${name}`,
      );
    }
    if (found.fault !== undefined) throw new KeyedObjectError(found.fault);
    if (Object.hasOwn(found.encoded, key)) return Buffer.from(found.encoded[key] ?? "", "base64");
    if (Object.hasOwn(found.values, key)) return Buffer.from(found.values[key] ?? "", "utf8");
    throw new KeyedObjectError(`the ${kind} ${name} has no key ${key}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#followed.values()].map(({ reflector }) => reflector.stop()));
  }

  #of(place: Place): Followed {
    const known = this.#followed.get(idOf(place));
    if (known !== undefined) return known;
    const { kind, namespace, name } = place;
    // What is there at first is no change.
    const changed = (): void => {
      if (followed.reflector.isSynced) this.#onChange();
    };
    const followed: Followed = {
      reflector: new Reflector({
        api: this.#api,
        path: collectionPath(holders[kind], namespace),
        name,
        keep: kind === "Secret" ? keepSecret : keepConfigMap,
        onChange: changed,
        onRefused: (reason) => {
          followed.refusal = reason;
          changed();
        },
        log: this.#log,
      }),
    };
    this.#followed.set(idOf(place), followed);
    return followed;
  }
}

/** Where a file is: `kubernetes:NAMESPACE/ConfigMap/NAME/KEY`. */
export function keyPath(kind: HolderKind, namespace: string, nameAndKey: string): string {
  return `kubernetes:${namespace}/${kind}/${nameAndKey}`;
}

/** Only names that the API can have: it would answer no question for another. */
function placeIn(path: string): Place | undefined {
  const found =
    /^kubernetes:([a-z0-9-]+)\/(ConfigMap|Secret)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\/([\w.-]+)$/.exec(path);
  if (found === null) return undefined;
  const [, namespace = "", kind = "", name = "", key = ""] = found;
  return { kind: kind as HolderKind, namespace, name, key };
}

function idOf({ kind, namespace, name }: Place): string {
  return `${kind} ${namespace}/${name}`;
}

function keepConfigMap(object: KubernetesObject): Keyed {
  const { data, binaryData } = object as { data?: Keyed["values"]; binaryData?: Keyed["encoded"] };
  return { values: data ?? {}, encoded: binaryData ?? {} };
}

/** Of other types, such as tokens of service accounts, nothing is kept. */
function keepSecret(object: KubernetesObject): Keyed {
  const { type = "Opaque", data } = object as { type?: string; data?: Keyed["encoded"] };
  if (type === "kubernetes.io/tls" || type === "Opaque") return { values: {}, encoded: data ?? {} };
  return { values: {}, encoded: {}, fault: `expected a Secret of type kubernetes.io/tls or Opaque, found ${type}` };
}
