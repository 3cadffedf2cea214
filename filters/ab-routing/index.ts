// Assigns requests to variants of experiments, for routes to match on. README.md describes the configuration.

import {
  Bytes,
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  clearRouteCache,
  registerRootContext,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { readExperiments } from "./config";
import { Experiment, Variant } from "./experiment";

class AbRouting extends RootContext {
  experiments: Experiment[] = [];
  /** The variants of the request that is being looked at. */
  chosen: Variant[] = [];

  onConfigure(configuration: Bytes): bool {
    const configs = readExperiments(configuration);
    if (configs === null) return false;
    const experiments: Experiment[] = [];
    let tellsClients = false;
    for (let i = 0; i < configs.length; ++i) {
      experiments.push(new Experiment(configs[i]));
      if (configs[i].responseHeader.length) tellsClients = true;
    }
    this.experiments = experiments;
    // Without response headers nothing is to be remembered of a stream.
    this.sharedHttpContext = tellsClients ? null : new AbRoutingStream(this, false);
    return true;
  }

  createHttpContext(): HttpContext | null {
    return new AbRoutingStream(this, true);
  }

  /** Decides on all experiments by the request as it came, and only then changes it. */
  assign(): void {
    const experiments = this.experiments;
    const chosen = this.chosen;
    chosen.length = 0;
    let changes: u64 = 0;
    for (let i = 0; i < experiments.length; ++i) {
      const variant = experiments[i].choose();
      chosen.push(variant);
      if (experiments[i].needsHeader(variant)) changes |= (<u64>1) << i;
    }
    for (let i = 0; i < experiments.length; ++i) {
      if ((changes >> i) & 1) experiments[i].setHeader(chosen[i]);
      experiments[i].record(chosen[i]);
    }
    if (changes) clearRouteCache();
  }
}

class AbRoutingStream extends HttpContext {
  /** The variants of this stream, by experiment; empty for a request that was never seen. */
  private variants: Variant[] = [];

  constructor(
    private root: AbRouting,
    private remembers: bool,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    beginRequest();
    this.root.assign();
    if (this.remembers) this.variants = this.root.chosen.slice(0);
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    const variants = this.variants;
    const experiments = this.root.experiments;
    for (let i = 0; i < min(variants.length, experiments.length); ++i) {
      const header = experiments[i].responseHeader;
      if (header !== null) responseHeaders.setBytes(header, Bytes.of(variants[i].value));
    }
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("ab-routing", () => new AbRouting());
