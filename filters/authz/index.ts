// authz: who may do what. README.md is its reference.

import { Bytes, RootContext, registerRootContext } from "proxy-wasm-assemblyscript-sdk";
import { AuthzConfig } from "./config";
import { AuthzStream } from "./stream";

class Authz extends RootContext {
  private config: AuthzConfig | null = null;

  onConfigure(configuration: Bytes): bool {
    const config = AuthzConfig.read(configuration);
    if (config === null) return false;
    const old = this.config;
    if (old !== null) old.stop();
    config.start();
    this.config = config;
    this.sharedHttpContext = new AuthzStream(config);
    return true;
  }
}

registerRootContext("authz", () => new Authz());
