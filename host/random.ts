/** Fills `bytes` with random bytes. */
export type Random = (bytes: Uint8Array) => void;

/** The same bytes for the same seed, so that a test which draws random numbers gives the same result every time. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      // xorshift over a Weyl sequence (the "splitmix" construction, 32 bits).
      state = (state + 0x9e37_79b9) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
      bytes[i] = (mixed ^ (mixed >>> 16)) & 0xff;
    }
  };
}
