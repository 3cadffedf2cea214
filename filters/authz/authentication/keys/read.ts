// The fields of a provider that say what its tokens are signed with.

import { Config, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../../common/lists";
import { ALGORITHMS, Algorithm, algorithmOf } from "./algorithm";
import { readKeys } from "./jwks";
import { KeySet, LocalKeys } from "./key-set";
import { RemoteKeys } from "./remote-keys";
import { RemoteSettings } from "./remote-settings";

const SOURCES: string[] = ["localJwks", "remoteJwks"];

/**
 * Reads `algorithms` and the one of `localJwks` and `remoteJwks` that is there.
 * @param name The provider's.
 */
export function readKeySet(config: Config, provider: ConfigObject, name: string): KeySet {
  const algorithms = readAlgorithms(provider);
  const source = provider.alternative(SOURCES);
  if (source == 1) return new RemoteKeys(name, new RemoteSettings(provider.object("remoteJwks")), algorithms);
  if (source < 0) return new LocalKeys([], algorithms);
  const keys = readKeys(config, provider.pathOf("localJwks"), provider.json("localJwks"), algorithms);
  return new LocalKeys(keys, algorithms);
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
