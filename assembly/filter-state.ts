// Filter state: values of a stream that other filters, routes and access logs see.

import { Status } from "./abi/enums";
import { Bytes } from "./bytes";
import { ProtobufWriter } from "./encoding/protobuf";
import { callForeignFunction } from "./foreign/call";
import { Property } from "./properties/property";

/** How long a value lives (`envoy.source.extensions.common.wasm.LifeSpan`). */
export enum LifeSpan {
  /** Until the filter chain is left; what an internal redirect starts does not see it. */
  FilterChain = 0,
  /** Until the request ends, internal redirects included. */
  DownstreamRequest = 1,
  /** Until the downstream connection ends: later requests on it see it too. */
  DownstreamConnection = 2,
}

/** What Envoy takes a value for (`envoy.source.extensions.common.wasm.WasmType`). */
export enum FilterStateType {
  Bytes = 0,
  /** UTF-8. */
  String = 1,
  /** The schema is a binary FlatBuffers schema. */
  FlatBuffers = 2,
  /** The schema is the type's URL, for example `type.googleapis.com/google.protobuf.Struct`. */
  Protobuf = 3,
}

/**
 * A value that this plugin keeps in filter state, under `wasm.<name>`. Make it once.
 *
 * Later Wasm filters of the stream read it as a `FilterState` of the same name, CEL as `filter_state["wasm.<name>"]`, routes match on
 * it (`filter_state`), and access logs write it as `%FILTER_STATE(wasm.<name>:PLAIN)%`. Without `:PLAIN` it becomes JSON with its type:
 * the message for `FilterStateType.Protobuf`, a `BytesValue` with the value in base64 for all others.
 */
@final
export class FilterState {
  private property: Property;

  /** @param name Not the name of an attribute (`request`, `source` and so on), which would hide it. */
  constructor(readonly name: string) {
    this.property = new Property([name]);
  }

  /**
   * Says what the value is, in `onConfigure`. Without it a value is bytes that can be set again and live as long as the filter chain.
   * `Status.BadArgument` when this plugin declared it before: the first declaration stays.
   * @param readOnly Whether only the first `set` of a stream counts.
   * @param schema See `FilterStateType`.
   */
  declareType(
    type: FilterStateType,
    readOnly: bool = false,
    lifeSpan: LifeSpan = LifeSpan.FilterChain,
    schema: Bytes | null = null,
  ): Status {
    const argument = ProtobufWriter.create().string(1, this.name).varint(2, readOnly).varint(3, type);
    if (schema !== null) argument.bytes(4, schema);
    return callForeignFunction("declare_property", argument.varint(5, lifeSpan).message);
  }

  /** `Status.BadArgument` for a read-only value that is set already, `Status.NotFound` outside a stream. */
  set(value: Bytes): Status {
    return this.property.set(value);
  }

  /** As `set`, in UTF-8. */
  setString(value: string): Status {
    return this.property.set(Bytes.utf8(value));
  }

  /** The value, or null where none was set. */
  bytes(): Bytes | null {
    return this.property.bytes();
  }

  /** As `bytes`, read as UTF-8. */
  string(): string | null {
    return this.property.string();
  }
}

/**
 * Sets filter state of Envoy's own, such as `envoy.tcp_proxy.cluster` or `envoy.network.upstream_server_name`. It cannot be changed
 * once it is there.
 * `Status.NotFound` for a key that Envoy makes no object for, outside a stream, and from a host that is not Envoy;
 * `Status.BadArgument` for a value that the key does not take.
 */
export function setEnvoyFilterState(key: string, value: Bytes, lifeSpan: LifeSpan = LifeSpan.FilterChain): Status {
  const argument = ProtobufWriter.create().string(1, key).bytes(2, value).varint(3, lifeSpan);
  return callForeignFunction("set_envoy_filter_state", argument.message);
}
