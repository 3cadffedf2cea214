import { Status } from "./abi/enums.ts";
import { toText } from "./bytes.ts";

/** What filters keep with a stream or a connection for others to read. */
export class FilterState {
  readonly #own = new Map<string, Uint8Array>();
  readonly #envoy = new Map<string, Uint8Array>();

  /** What a filter set with `proxy_set_property`. */
  get(name: string): Uint8Array | undefined {
    return this.#own.get(name);
  }

  set(name: string, value: Uint8Array, readOnly: boolean): Status {
    if (readOnly && this.#own.has(name)) return Status.BadArgument;
    this.#own.set(name, value);
    return Status.Ok;
  }

  /** An object of Envoy. It knows a fixed set of them by name, which all begin like this. */
  setEnvoy(path: string, value: Uint8Array): Status {
    if (!path.startsWith("envoy.")) return Status.NotFound;
    this.#envoy.set(path, value);
    return Status.Ok;
  }

  text(name: string): string | undefined {
    return textOf(this.#own.get(name));
  }

  envoyText(path: string): string | undefined {
    return textOf(this.#envoy.get(path));
  }
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && toText(value);
}
