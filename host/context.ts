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

export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly body: Uint8Array;
  readonly headers: HeaderMap;
  /** Undefined if the module gave none, or one that is not a gRPC status. */
  readonly grpcStatus: number | undefined;
}

/**
 * What a host function acts on. This class is the context of a virtual machine itself, which has no plugin and no stream,
 * and the base of the others: what it answers is what Envoy answers where there is no stream.
 */
export class Context {
  readonly vm: Vm;
  readonly id: number;

  constructor(vm: Vm, id: number) {
    this.vm = vm;
    this.id = id;
  }

  get plugin(): PluginIdentity | undefined {
    return undefined;
  }

  get root(): RootContext | undefined {
    return undefined;
  }

  /** A map that the module may change now; undefined if there is none. */
  map(_type: MapType): HeaderMap | undefined {
    return undefined;
  }

  /** A map that the module may read now; undefined if there is none. */
  readableMap(_type: MapType): HeaderMap | undefined {
    return undefined;
  }

  /** What reading a value answers when its map is not there. */
  get missingMap(): Status {
    return Status.BadArgument;
  }

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

  setProperty(_path: string, _value: Uint8Array): Status {
    return Status.NotFound;
  }

  setEnvoyFilterState(_path: string, _value: Uint8Array): Status {
    return Status.NotFound;
  }

  clearRouteCache(): void {
    // Without a stream there is no route.
  }

  continueStream(type: StreamType): Status {
    return type === StreamType.Upstream ? Status.Unimplemented : Status.Ok;
  }

  closeStream(_type: StreamType): Status {
    return Status.Ok;
  }

  sendLocalReply(_reply: LocalReply): void {
    // Without a stream there is nobody to answer.
  }
}
