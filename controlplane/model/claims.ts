import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";

/** What a check found; `undefined` where all is well. */
export type Found = (Problem | undefined)[];

/** Things that only one owner may have. */
export class Claims {
  readonly #owners = new Map<string, { owner: string; origin: Origin; path: Path }>();
  readonly #noun: string;

  constructor(noun: string) {
    this.#noun = noun;
  }

  /** Who has what. */
  get owners(): Iterable<readonly [key: string, owner: string]> {
    return Array.from(this.#owners, ([key, { owner }]) => [key, owner]);
  }

  /** Gives `key` to `owner`, or says who has it already. */
  claim(key: string, owner: string, origin: Origin, path: Path, shown = key): Problem | undefined {
    const before = this.#owners.get(key);
    if (before === undefined) this.#owners.set(key, { owner, origin, path });
    if (before === undefined || before.owner === owner) return undefined;
    const { file, line } = before.origin.locate(before.path);
    return origin.problem(path, `the ${this.#noun} ${shown} is that of ${before.owner} already (${file}:${line})`);
  }
}

/** A problem for each value that is in the list a second time. */
export function repeated(values: readonly string[], noun: string, origin: Origin, at: (index: number) => Path): Found {
  return values.map((value, index) => {
    const first = values.indexOf(value);
    if (first === index) return undefined;
    return origin.problem(at(index), `the ${noun} ${value} is there twice (see item ${first})`);
  });
}
