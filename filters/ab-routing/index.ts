// Assigns requests to variants of experiments, for routes to match on. README.md describes the configuration.

import { Bytes, HttpContext, RootContext, registerRootContext } from "proxy-wasm-assemblyscript-sdk";
import { Assignment } from "./assignment";
import { AbRoutingConfig } from "./config";
import { AbRoutingStream } from "./stream";

class AbRouting extends RootContext {
  private assignment: Assignment | null = null;

  onConfigure(configuration: Bytes): bool {
    const config = AbRoutingConfig.read(configuration);
    if (config === null) return false;
    const assignment = new Assignment(config);
    this.assignment = assignment;
    // Where nothing is to be remembered of a stream, one object serves all.
    this.sharedHttpContext = assignment.remembers ? null : new AbRoutingStream(assignment);
    return true;
  }

  createHttpContext(): HttpContext | null {
    const assignment = this.assignment;
    return assignment === null ? null : new AbRoutingStream(assignment);
  }
}

registerRootContext("ab-routing", () => new AbRouting());
