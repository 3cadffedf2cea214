import { BufferType, Status, StreamType, type MapType } from "./abi/enums.ts";
import { ReadOnlyBuffer, type GuestBuffer } from "./body.ts";
import type { HeaderMap } from "./header-map.ts";
import { walk, type Property } from "./properties.ts";
import type { RootContext } from "./root-context.ts";
import type { Vm } from "./vm.ts";

/** Which plugin a context belongs to. */
export interface PluginIdentity {
  readonly name: string;
  readonly rootId: string;
  readonly configuration: Uint8Array;
}

/** A response that is given instead of the upstream's. */
export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly body: Uint8Array;
  readonly headers: HeaderMap;
  /** Undefined if the module gave none, or one that is not a gRPC status. */
  readonly grpcStatus: number | undefined;
}

export interface PropertyDeclaration {
  /** A second write is refused. */
  readonly readOnly: boolean;
}

/** What a host function acts on. */
export abstract class Context {
  readonly vm: Vm;
  readonly id: number;

  constructor(vm: Vm, id: number) {
    this.vm = vm;
    this.id = id;
  }

  /** The plugin that the context belongs to. */
  abstract get plugin(): PluginIdentity | undefined;

  /** The root context of the plugin; a root context's own is itself. */
  abstract get root(): RootContext | undefined;

  /** A map that the module may change now; undefined if there is none. */
  abstract map(type: MapType): HeaderMap | undefined;

  /** A map that the module may read now; undefined if there is none. */
  abstract readableMap(type: MapType): HeaderMap | undefined;

  /** What reading a value answers when its map is not there. */
  get missingMap(): Status {
    return Status.BadArgument;
  }

  /** A buffer that the module may read now; undefined if there is none. */
  buffer(type: BufferType): GuestBuffer | undefined {
    switch (type) {
      case BufferType.HttpRequestBody:
      case BufferType.HttpResponseBody:
      case BufferType.NetworkDownstreamData:
      case BufferType.NetworkUpstreamData:
      case BufferType.GrpcReceiveBuffer:
      case BufferType.CallData:
        return new ReadOnlyBuffer();
      case BufferType.VmConfiguration:
        return new ReadOnlyBuffer(this.vm.services.vmConfiguration);
      case BufferType.HttpCallResponseBody:
      case BufferType.PluginConfiguration:
        return undefined;
    }
  }

  /** The value of a property path, or undefined. */
  property(path: readonly string[]): Property | undefined {
    const [first = "", ...rest] = path;
    return walk(this.topLevelProperty(first), rest);
  }

  protected topLevelProperty(name: string): Property | undefined {
    if (name === "plugin_vm_id") return this.vm.services.vmId;
    const { properties } = this.vm.services;
    return Object.hasOwn(properties, name) ? properties[name] : undefined;
  }

  /** Properties that `declare_property` described in this context. */
  readonly declaredProperties = new Map<string, PropertyDeclaration>();

  declareProperty(name: string, declaration: PropertyDeclaration): Status {
    if (this.declaredProperties.has(name)) return Status.BadArgument;
    this.declaredProperties.set(name, declaration);
    return Status.Ok;
  }

  abstract setProperty(path: string, value: Uint8Array): Status;
  abstract setEnvoyFilterState(path: string, value: Uint8Array): Status;
  abstract clearRouteCache(): void;
  abstract continueStream(type: StreamType): Status;
  abstract closeStream(type: StreamType): Status;
  abstract sendLocalReply(reply: LocalReply): void;
}

/** A context without a stream; it answers what Envoy answers then. */
export abstract class StreamlessContext extends Context {
  override map(): HeaderMap | undefined {
    return undefined;
  }

  override setProperty(): Status {
    return Status.NotFound;
  }

  override setEnvoyFilterState(): Status {
    return Status.NotFound;
  }

  override clearRouteCache(): void {
    // Without a stream there is no route.
  }

  override continueStream(type: StreamType): Status {
    return type === StreamType.Upstream ? Status.Unimplemented : Status.Ok;
  }

  override closeStream(): Status {
    return Status.Ok;
  }

  override sendLocalReply(): void {
    // Without a stream there is nobody to answer.
  }
}

/** The context of the machine itself, in which it starts and allocates memory. */
export class VmContext extends StreamlessContext {
  override get plugin(): PluginIdentity | undefined {
    return undefined;
  }

  override get root(): RootContext | undefined {
    return undefined;
  }

  override readableMap(): HeaderMap | undefined {
    return undefined;
  }
}
