export type { Key } from "./bonds.ts";
export { isolate, type Candidate, type Held, type HeldResource, type Isolation } from "./isolate.ts";
export { keyOf } from "./isolating.ts";
export { LastGoodStore, type LastGood } from "./last-good.ts";
