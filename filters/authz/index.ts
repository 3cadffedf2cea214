// authz: who may do what. README.md is its reference.

import { Bytes, RootContext, registerRootContext } from "proxy-wasm-assemblyscript-sdk";
import { AuthzConfig } from "./config";
import { AuthzStream } from "./stream";

class Authz extends RootContext {
  onConfigure(configuration: Bytes): bool {
    const config = AuthzConfig.read(configuration);
    if (config === null) return false;
    this.sharedHttpContext = new AuthzStream(config);
    return true;
  }
}

registerRootContext("authz", () => new Authz());
