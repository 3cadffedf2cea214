// Which experiments can be for a path at all, so that a request pays for few of many.

import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { ExperimentConfig } from "./experiment-config";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;

/** Experiments by the first element of the paths that they are for. */
@final
export class Targets {
  /** By the hash of a first element: numbers of experiments in ascending order, those for all paths among them. */
  private byElement: Map<u64, i32[]> = new Map<u64, i32[]>();
  /** Those for all paths. */
  private anywhere: i32[] = [];

  constructor(experiments: ExperimentConfig[]) {
    const elements: string[] = [];
    for (let i = 0; i < experiments.length; ++i) elements.push(experiments[i].firstElement);
    for (let i = 0; i < elements.length; ++i) {
      if (elements[i].length == 0) this.anywhere.push(i);
    }
    for (let i = 0; i < elements.length; ++i) {
      if (elements[i].length == 0) continue;
      const key = hash64(Bytes.utf8(elements[i]));
      if (this.byElement.has(key)) continue;
      const numbers: i32[] = [];
      for (let k = 0; k < elements.length; ++k) {
        if (elements[k].length == 0 || elements[k] == elements[i]) numbers.push(k);
      }
      this.byElement.set(key, numbers);
    }
  }

  /** Whether the path tells experiments apart. */
  get hasElements(): bool {
    return this.byElement.size > 0;
  }

  /** The experiments that can be for any path. */
  get forAll(): i32[] {
    return this.anywhere;
  }

  /** The experiments that can be for a path. */
  of(path: Bytes): i32[] {
    const key = hash64(firstElement(path));
    return this.byElement.has(key) ? this.byElement.get(key) : this.anywhere;
  }
}

/** From the first slash up to the second, or to the end. */
function firstElement(path: Bytes): Bytes {
  const end = path.indexOf(SLASH, 1);
  return end < 0 ? path : path.slice(0, end);
}
