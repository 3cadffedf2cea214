// Memory of a callback: a bump allocator that is emptied when the outermost callback returns.
// What the host hands over (headers, bodies, properties) and what the SDK hands to the host lives here.

// @ts-ignore: decorator
@inline const CHUNK_SIZE: usize = 64 * 1024;

/** More than Envoy lets a module have; asking for it would trap in the allocator. */
// @ts-ignore: decorator
@inline const MAX_SIZE: usize = 512 * 1024 * 1024;

let first: usize = 0;
let next: usize = 0;
let end: usize = 0;
/** Blocks beyond the first chunk; each starts with a pointer to the one before. */
let extra: usize = 0;

/**
 * Takes memory that stays valid until the outermost callback returns.
 * Returns an address that is a multiple of 8, or 0 for a size that no module can have.
 */
export function arenaAllocate(size: usize): usize {
  const pointer = (next + 7) & ~7;
  const after = pointer + size;
  if (after <= end && size <= MAX_SIZE) {
    next = after;
    return pointer;
  }
  return allocateChunk(size);
}

function allocateChunk(size: usize): usize {
  if (size > MAX_SIZE) return 0;
  if (!first) {
    first = heap.alloc(CHUNK_SIZE);
    next = first;
    end = first + CHUNK_SIZE;
    return arenaAllocate(size);
  }
  const chunk = heap.alloc(size + 16);
  store<usize>(chunk, extra);
  extra = chunk;
  return (chunk + 15) & ~7;
}

/** Empties the arena: every address taken from it is free again. */
export function arenaReset(): void {
  next = first;
  while (extra) {
    const chunk = extra;
    extra = load<usize>(chunk);
    heap.free(chunk);
  }
}
