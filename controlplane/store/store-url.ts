/** Where a store is, as a user writes it. */
export interface StorePlace {
  /** `http://host:port` or `https://host:port`. */
  readonly hosts: readonly string[];
  readonly prefix?: string;
}

/** Reads `etcd://HOST:PORT[,HOST:PORT...][/PREFIX]` and `etcds://`; undefined when it is neither. */
export function parseStoreUrl(text: string): StorePlace | undefined {
  const [, scheme, authority = "", prefix] = /^(etcds?):\/\/([^/]+)(?:\/([\w.-]+(?:\/[\w.-]+)*))?$/.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const hosts = authority.split(",").map((host) => `${scheme === "etcds" ? "https" : "http"}://${host}`);
  const isPlace = (host: string): boolean => /:\d+$/.test(host) && URL.canParse(host);
  if (!hosts.every(isPlace)) return undefined;
  return { hosts, ...(prefix === undefined ? {} : { prefix }) };
}
