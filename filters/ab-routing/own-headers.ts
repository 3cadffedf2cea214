// The headers that tell variants, and copies of them that clients send.

import { Bytes, HeaderName, hash64, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { ExperimentConfig } from "./experiment-config";

/** The header of each experiment, by the experiment's number. */
@final
export class OwnHeaders {
  private names: HeaderName[] = [];
  private numbers: Map<u64, i32> = new Map<u64, i32>();
  /** For each header, in which request it was told last. */
  private toldIn: StaticArray<u32>;
  private request: u32 = 0;
  private foreign: i32[] = [];

  constructor(experiments: ExperimentConfig[]) {
    this.toldIn = new StaticArray<u32>(experiments.length);
    for (let i = 0; i < experiments.length; ++i) {
      const name = experiments[i].header;
      this.names.push(new HeaderName(name));
      this.numbers.set(hash64(Bytes.utf8(name)), i);
    }
  }

  /** Another request comes. */
  begin(): void {
    ++this.request;
  }

  /** The header of this number is told in the current request. */
  told(header: i32): void {
    unchecked((this.toldIn[header] = this.request));
  }

  /** Removes from the current request what is not told in it, so comes from its client. */
  removeForeign(): void {
    const foreign = this.foreign;
    foreign.length = 0;
    for (let i = 0; i < requestHeaders.count; ++i) {
      const key = hash64(requestHeaders.nameAt(i));
      const header = this.numbers.has(key) ? this.numbers.get(key) : -1;
      if (header >= 0 && unchecked(this.toldIn[header]) != this.request) foreign.push(header);
    }
    for (let i = 0; i < foreign.length; ++i) requestHeaders.removeName(this.names[foreign[i]]);
  }
}
