import { Bytes } from "proxy-wasm-assemblyscript-sdk";

/** A value that a request carries: what a limit is counted by, what an experiment is split by. */
export abstract class RequestValue {
  /** @param id One text for each different value. */
  constructor(readonly id: string) {}

  /** The value in the current request, valid until the callback returns, or null when it has none. */
  abstract read(): Bytes | null;

  /** Whether reading it takes a call of the host. */
  get asksHost(): bool {
    return false;
  }

  /** Whether the value is that of this header. */
  reads(header: string): bool {
    return false;
  }
}
