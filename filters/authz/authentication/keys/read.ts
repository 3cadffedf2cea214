// The fields of a provider that say what its tokens are signed with.

import { Config, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../../common/lists";
import { ALGORITHMS, Algorithm, algorithmOf } from "./algorithm";
import { KeySet, LocalKeys } from "./key-set";

/** Reads `algorithms` and `localJwks`. */
export function readKeySet(config: Config, provider: ConfigObject): KeySet {
  return new LocalKeys(config, provider, readAlgorithms(provider));
}

/** Empty where none are named. */
function readAlgorithms(provider: ConfigObject): Algorithm[] {
  const names = provider.strings("algorithms");
  refuseEmpty(provider, "algorithms", names.length);
  const algorithms: Algorithm[] = [];
  for (let i = 0; i < names.length; ++i) {
    const algorithm = algorithmOf(names[i]);
    if (algorithm == Algorithm.Unsupported) provider.error("algorithms", `names out of ${ALGORITHMS.join(", ")}`);
    else algorithms.push(algorithm);
  }
  return algorithms;
}
