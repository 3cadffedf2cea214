import type { Change, Held, Wanted } from "./held.ts";
import { isSame } from "./held.ts";
import { LayeredMap } from "./layered-map.ts";

/** How a map of what is wanted differs from one of what is held. */
export interface Difference {
  /** What is new or other, in the order of what is wanted. */
  readonly changes: readonly Change[];
  /** What is held, and no longer wanted. */
  readonly removals: readonly Change[];
}

const none: Difference = { changes: [], removals: [] };

/** Maps that many streams hold. */
const shared = new WeakSet<object>();

const known = new WeakMap<object, WeakMap<object, Difference>>();

/** Says that many streams will hold this very map, so that its differences from others are worth being kept. */
export function markShared(map: ReadonlyMap<string, Held>): void {
  shared.add(map);
}

/** Computed once for two maps that are shared, or whose larger parts are. */
export function differenceOf(held: ReadonlyMap<string, Held>, wanted: ReadonlyMap<string, Wanted>): Difference {
  if (held === wanted) return none;
  if (held instanceof LayeredMap && wanted instanceof LayeredMap)
    return layered(held as LayeredMap<Held>, wanted as LayeredMap<Wanted>);
  if (!shared.has(held) || !shared.has(wanted)) return compare(held, wanted);
  let from = known.get(held);
  if (from === undefined) known.set(held, (from = new WeakMap()));
  let difference = from.get(wanted);
  if (difference === undefined) from.set(wanted, (difference = compare(held, wanted)));
  return difference;
}

function compare(held: ReadonlyMap<string, Held>, wanted: ReadonlyMap<string, Wanted>): Difference {
  const changes: Change[] = [];
  for (const [name, want] of wanted) if (!isSame(want, held.get(name))) changes.push({ name, wanted: want });
  const removals: Change[] = [];
  for (const [name, have] of held) if (have && !wanted.has(name)) removals.push({ name, wanted: null });
  return { changes, removals };
}

/** Only what differs between the shared parts, and what either has of its own, can differ. */
function layered(held: LayeredMap<Held>, wanted: LayeredMap<Wanted>): Difference {
  const { changes, removals } = differenceOf(held.base, wanted.base);
  const names = [...changes, ...removals].map(({ name }) => name);
  const candidates = new Set([...names, ...held.own.keys(), ...wanted.own.keys()]);
  const found: Change[] = [];
  const gone: Change[] = [];
  for (const name of [...candidates].sort()) {
    const want = wanted.get(name);
    const have = held.get(name);
    if (want !== undefined && !isSame(want, have)) found.push({ name, wanted: want });
    else if (want === undefined && have) gone.push({ name, wanted: null });
  }
  return found.length === 0 && gone.length === 0 ? none : { changes: found, removals: gone };
}
