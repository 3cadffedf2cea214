// The root context of a composed plugin.

import { Status } from "../abi/enums";
import { proxy_done } from "../abi/imports";
import { Bytes } from "../bytes";
import { HttpContext, RootContext } from "../context";
import { logError, logWarn } from "../log";
import { Gauge } from "../metrics";
import { createRegistered } from "../runtime/registry";
import { setCurrentRoot } from "../runtime/scope";
import { PartConfiguration, readConfiguration } from "./configuration";
import { Part } from "./part";
import { addComposition, deleteComposition, setLogPrefix } from "./running";
import { PartsStream } from "./stream";
import { configurationKey, hasTrapped } from "./trapped";

/** Runs parts one after another as Envoy runs the filters of a chain: requests in the order of the configuration, responses in reverse. */
@final
export class Composition extends RootContext {
  parts: StaticArray<Part> = [];
  isConfigured: bool = false;
  /** As the plugin's setting of this name in Envoy, of which a module is not told. */
  allowOnHeadersStopIteration: bool = false;
  /** Where what outlives this VM is kept. */
  key: string = "";
  private vmConfiguration: Uint8Array | null = null;

  constructor(
    private rootId: string,
    private names: string[],
  ) {
    super();
  }

  /** Position of the part with this root; -1 when there is none. */
  indexOf(root: RootContext): i32 {
    for (let i = 0; i < this.parts.length; ++i) {
      if (unchecked(this.parts[i]).root === root) return i;
    }
    return -1;
  }

  /** Which parts there are is not known yet. */
  onVmStart(configuration: Bytes): bool {
    this.vmConfiguration = configuration.copy();
    return true;
  }

  onConfigure(configuration: Bytes): bool {
    const read = readConfiguration(configuration, this.names);
    if (read === null) return false;
    const configurations = read.parts;
    this.allowOnHeadersStopIteration = read.allowOnHeadersStopIteration;
    this.isConfigured = false;
    this.key = configurationKey(this.rootId, configuration);
    addComposition(this);
    const parts: Part[] = [];
    for (let i = 0; i < configurations.length; ++i) {
      const part = this.makePart(configurations[i], `filters[${i}] "${configurations[i].name}": `);
      if (part === null) continue;
      parts.push(part);
      this.parts = StaticArray.fromArray(parts);
      if (!this.configurePart(part, configurations[i].text)) return false;
    }
    this.parts = StaticArray.fromArray(parts);
    this.isConfigured = true;
    this.sharedHttpContext = this.sharedStream();
    return true;
  }

  /** Null for a part that is left out because it trapped before. */
  private makePart(configuration: PartConfiguration, prefix: string): Part | null {
    const name = configuration.name;
    const isLeftOut = configuration.failsOpen && hasTrapped(this, name);
    if (configuration.failsOpen) new Gauge(`${this.rootId}.${name}.bypassed`).set(u64(isLeftOut));
    if (isLeftOut) {
      logWarn(`${prefix}it trapped, and requests pass it by until the configuration changes (onFailure: open)`);
      return null;
    }
    const root = createRegistered(name);
    root.id = this.id;
    setLogPrefix(prefix);
    return new Part(name, root, configuration.failsOpen);
  }

  private configurePart(part: Part, text: string): bool {
    const vm = this.vmConfiguration;
    setCurrentRoot(part.root);
    const ok = (vm === null || part.root.onVmStart(Bytes.of(vm))) && part.root.onConfigure(Bytes.utf8(text));
    if (!ok) logError("refused its configuration");
    setLogPrefix("");
    setCurrentRoot(this);
    return ok;
  }

  /** The one context for all streams, where no part has anything of a stream's own. */
  private sharedStream(): HttpContext | null {
    const contexts = new StaticArray<HttpContext | null>(this.parts.length);
    for (let i = 0; i < this.parts.length; ++i) {
      const shared = this.parts[i].root.sharedHttpContext;
      if (shared === null) return null;
      contexts[i] = shared;
    }
    return new PartsStream(this, this.parts, contexts, true);
  }

  createHttpContext(): HttpContext | null {
    const parts = this.parts;
    const contexts = new StaticArray<HttpContext | null>(parts.length);
    for (let i = 0; i < parts.length; ++i) {
      setCurrentRoot(unchecked(parts[i]).root);
      unchecked((contexts[i] = parts[i].createContext()));
    }
    return new PartsStream(this, parts, contexts, false);
  }

  onTick(): void {
    for (let i = 0; i < this.parts.length; ++i) this.enter(i).onTick();
  }

  onLog(): void {
    for (let i = 0; i < this.parts.length; ++i) this.enter(i).onLog();
  }

  onForeignFunction(functionId: u32, size: u32): void {
    for (let i = 0; i < this.parts.length; ++i) this.enter(i).onForeignFunction(functionId, size);
  }

  onDone(): bool {
    let done = true;
    for (let i = 0; i < this.parts.length; ++i) {
      const isDone = this.enter(i).onDone();
      this.parts[i].isLeaving = !isDone;
      if (!isDone) done = false;
    }
    return done;
  }

  /** A part that took its time is done. The host is told when all are. */
  partIsDone(part: Part): Status {
    if (!part.isLeaving) return Status.NotFound;
    part.isLeaving = false;
    for (let i = 0; i < this.parts.length; ++i) {
      if (this.parts[i].isLeaving) return Status.Ok;
    }
    return proxy_done();
  }

  onDelete(): void {
    for (let i = 0; i < this.parts.length; ++i) this.enter(i).onDelete();
    deleteComposition(this);
  }

  private enter(index: i32): RootContext {
    const root = this.parts[index].root;
    setCurrentRoot(root);
    return root;
  }
}
