import { deflateSync, inflateSync } from "node:zlib";
import { Status } from "../abi/enums.ts";
import type { Property } from "../properties.ts";
import { signText, verifySignature } from "./crypto.ts";
import { Fields } from "./protobuf.ts";

/** What a foreign function may do to the host beside giving a result. */
export interface ForeignHost {
  /** Tells Envoy to choose the route again before the request goes on. */
  clearRouteCache(): void;
  /** Sets an object of Envoy's own filter state. */
  setEnvoyFilterState(path: string, value: Uint8Array): Status;
  /** Declares how a property that `proxy_set_property` writes behaves, for the context that runs. */
  declareProperty(name: string, options: { readonly readOnly: boolean }): Status;
  /** An attribute of the stream, or of the plugin, by its first name. */
  property(name: string): Property | undefined;
  /** Stands for the virtual machine: what a function keeps for it is kept by this. */
  readonly machine: object;
  /** The most bytes that a result may have. */
  readonly resultLimit: number;
}

export interface ForeignResult {
  readonly status: Status;
  /** Given to the module even if `status` is not Ok. An empty result is allocated too; undefined is none. */
  readonly result?: Uint8Array;
}

/** A function that a module calls by name with `proxy_call_foreign_function`. */
export type ForeignFunction = (argument: Uint8Array, host: ForeignHost) => ForeignResult;

/** Envoy's own functions, but for the CEL expressions, which are in `cel.ts`. */
export const ENVOY_FOREIGN_FUNCTIONS: Readonly<Record<string, ForeignFunction>> = {
  verify_signature: verifySignature,
  sign: signText,

  /** Raw bytes in, zlib format out. */
  compress: (argument) => ({ status: Status.Ok, result: deflateSync(argument) }),

  uncompress: (argument, host) => {
    try {
      return { status: Status.Ok, result: inflateSync(argument, { maxOutputLength: host.resultLimit }) };
    } catch {
      return { status: Status.SerializationFailure };
    }
  },

  clear_route_cache: (_argument, host) => {
    host.clearRouteCache();
    return { status: Status.Ok };
  },

  /** Argument: {1: path, 2: value, 3: life span}. */
  set_envoy_filter_state: (argument, host) => {
    const fields = Fields.parse(argument);
    if (fields === undefined) return { status: Status.BadArgument };
    return { status: host.setEnvoyFilterState(fields.text(1), fields.bytes(2)) };
  },

  /** Argument: {1: name, 2: read only, 3: type, 4: schema, 5: life span}. */
  declare_property: (argument, host) => {
    const fields = Fields.parse(argument);
    if (fields === undefined) return { status: Status.BadArgument };
    return { status: host.declareProperty(fields.text(1), { readOnly: fields.number(2) !== 0 }) };
  },
};
