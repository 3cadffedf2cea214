/**
 * The water level: what no one gets more than when `supply` is poured over vessels of these sizes, so that the small are
 * filled and the others share the rest alike. The greatest size where there is enough for all.
 */
export function waterLevel(supply: number, sizes: readonly number[]): number {
  const sorted = [...sizes].sort((a, b) => a - b);
  let left = supply;
  for (const [index, size] of sorted.entries()) {
    const even = left / (sorted.length - index);
    if (size > even) return Math.max(even, 0);
    left -= size;
  }
  return sorted.at(-1) ?? 0;
}
