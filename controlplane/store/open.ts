import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { EtcdOptions } from "./etcd.ts";
import { SqliteStore } from "./sqlite.ts";
import { parseStoreUrl } from "./store-url.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** `etcd://HOST:PORT[,HOST:PORT...][/PREFIX]`, `etcds://` with TLS; SQLite in the folder when left out. */
  readonly url?: string;
  readonly folder: string;
  /** PEM files for `etcds://`: the authority of etcd's certificates, and a certificate of our own with its key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** `name:password` of a user of etcd's. */
  readonly user?: string;
}

/**
 * @throws CorruptStoreError when the file is damaged.
 * @throws StoreUnavailableError when another process has hold of it, or etcd does not answer.
 * @throws Error when a PEM file cannot be read.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.url === undefined) return SqliteStore.open(join(options.folder, "state.db"));
  const place = parseStoreUrl(options.url);
  if (place === undefined) throw new RangeError(`${options.url}: expected etcd://HOST:PORT`);
  const [username = "", ...password] = options.user?.split(":") ?? [];
  // Its client is large, and most need none.
  const { EtcdStore } = await import("./etcd.ts");
  return EtcdStore.open({
    ...place,
    ...(options.url.startsWith("etcds:") ? { credentials: await readCredentials(options) } : {}),
    ...(options.user === undefined ? {} : { auth: { username, password: password.join(":") } }),
  });
}

async function readCredentials({ ca, cert, key }: StoreOptions): Promise<NonNullable<EtcdOptions["credentials"]>> {
  if (ca === undefined) throw new RangeError("etcds:// needs the authority of etcd's certificates: --store-ca");
  const rootCertificate = await readFile(ca);
  if (cert === undefined || key === undefined) return { rootCertificate };
  return { rootCertificate, certChain: await readFile(cert), privateKey: await readFile(key) };
}
