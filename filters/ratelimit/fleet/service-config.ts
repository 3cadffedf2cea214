// What a configuration says of a rate limit service.

import { ConfigObject, Duration } from "proxy-wasm-assemblyscript-sdk";

const FAILURES: string[] = ["allow", "deny"];

/** Where requests are decided that no worker decides alone. */
@final
export class ServiceConfig {
  cluster: string = "";
  domain: string = "";
  timeout: Duration = Duration.milliseconds(20);
  /** Whether a request is refused when the service gives no answer. */
  denies: bool = false;
  /** Status of that refusal. */
  errorStatus: u32 = 500;

  static read(object: ConfigObject): ServiceConfig {
    const config = new ServiceConfig();
    config.cluster = object.string("cluster");
    if (!config.cluster.length) object.error("cluster", "the name of a cluster");
    config.domain = object.string("domain");
    if (!config.domain.length) object.error("domain", "a text that is not empty");
    config.timeout = Duration.milliseconds(object.integerOr("timeoutMilliseconds", 1, 60_000, 20));
    config.denies = object.oneOfOr("onFailure", FAILURES, 0) == 1;
    config.errorStatus = <u32>object.integerOr("errorStatus", 400, 599, 500);
    return config;
  }
}

/** Reads what the values of a limit's key are called: one name for each. */
export function readNames(object: ConfigObject, values: i32): string[] {
  const names = object.strings("names");
  if (names.length != values || !values) object.error("names", `${max(values, 1)} names, one for each value of key`);
  for (let i = 0; i < names.length; ++i) {
    if (!names[i].length) object.error("names", "names that are not empty");
  }
  return names;
}
