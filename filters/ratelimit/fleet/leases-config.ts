// What a configuration says of leases.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

/** What decides while there is no lease. */
export enum WithoutLease {
  /** The limit's own rate, over the workers of this Envoy. */
  Limit,
  Allow,
  Deny,
}

const WITHOUT_LEASE: string[] = ["limit", "allow", "deny"];


@final
export class LeasesConfig {
  /** Of the service. */
  cluster: string = "";
  domain: string = "";
  /** What the values of the limit's key are called in the ids of buckets. */
  names: string[] = [];
  withoutLease: WithoutLease = WithoutLease.Limit;

  /** @param values How many values the limit counts by. */
  static read(object: ConfigObject, values: i32): LeasesConfig {
    const config = new LeasesConfig();
    config.cluster = object.stringOr("cluster", "meshwright-xds");
    if (!config.cluster.length) object.error("cluster", "the name of a cluster");
    config.domain = object.string("domain");
    if (!config.domain.length) object.error("domain", "a text that is not empty");
    config.names = object.strings("names");
    if (config.names.length != values) object.error("names", `${values} names, one for each value of key`);
    for (let i = 0; i < config.names.length; ++i) {
      const name = config.names[i];
      if (!name.length || name == "limit" || config.names.indexOf(name) != i) {
        object.error("names", 'names that are not empty, differ, and are not "limit"');
        break;
      }
    }
    config.withoutLease = object.oneOfOr("withoutLease", WITHOUT_LEASE, WithoutLease.Limit);
    return config;
  }
}
