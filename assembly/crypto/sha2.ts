// The compression of the SHA-2 family (FIPS 180-4, sections 6.2.2 and 6.4.2), for words of 32 and of 64 bits.

/**
 * Works a block into the state.
 * @param constants The words K: 64 of 32 bits, or 80 of 64.
 * @param schedule Memory for as many words W.
 */
export function compressBlock<T>(state: usize, block: usize, constants: usize, schedule: usize): void {
  const word = sizeof<T>();
  const narrow = word == 4;
  const end: usize = narrow ? 64 * 4 : 80 * 8;
  for (let i: usize = 0; i < word * 16; i += word) store<T>(schedule + i, bswap<T>(load<T>(block + i)));
  for (let i = word * 16; i < end; i += word) {
    const at = schedule + i;
    const w2 = load<T>(at - word * 2);
    const w15 = load<T>(at - word * 15);
    const sigma1 = rotr<T>(w2, narrow ? 17 : 19) ^ rotr<T>(w2, narrow ? 19 : 61) ^ (w2 >> (narrow ? 10 : 6));
    const sigma0 = rotr<T>(w15, narrow ? 7 : 1) ^ rotr<T>(w15, narrow ? 18 : 8) ^ (w15 >> (narrow ? 3 : 7));
    store<T>(at, sigma1 + load<T>(at - word * 7) + sigma0 + load<T>(at - word * 16));
  }

  let a = load<T>(state);
  let b = load<T>(state + word);
  let c = load<T>(state + word * 2);
  let d = load<T>(state + word * 3);
  let e = load<T>(state + word * 4);
  let f = load<T>(state + word * 5);
  let g = load<T>(state + word * 6);
  let h = load<T>(state + word * 7);
  for (let i: usize = 0; i < end; i += word) {
    const sum1 = rotr<T>(e, narrow ? 6 : 14) ^ rotr<T>(e, narrow ? 11 : 18) ^ rotr<T>(e, narrow ? 25 : 41);
    const t1 = h + sum1 + (g ^ (e & (f ^ g))) + load<T>(constants + i) + load<T>(schedule + i);
    const sum0 = rotr<T>(a, narrow ? 2 : 28) ^ rotr<T>(a, narrow ? 13 : 34) ^ rotr<T>(a, narrow ? 22 : 39);
    const t2 = sum0 + ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  add<T>(state, a);
  add<T>(state + word, b);
  add<T>(state + word * 2, c);
  add<T>(state + word * 3, d);
  add<T>(state + word * 4, e);
  add<T>(state + word * 5, f);
  add<T>(state + word * 6, g);
  add<T>(state + word * 7, h);
}

// @ts-ignore: decorator
@inline
function add<T>(pointer: usize, word: T): void {
  store<T>(pointer, load<T>(pointer) + word);
}
