import type { KindInCluster } from "./kinds.ts";

/** Where a kind's objects are listed, of all namespaces or of one. */
export function collectionPath({ apiVersion, plural }: KindInCluster, namespace?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}
