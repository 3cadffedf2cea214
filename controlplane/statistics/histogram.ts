// Histograms as Envoy tells them. Pure.

/** Values from `low` on, `width` wide. */
export interface Bin {
  readonly low: number;
  readonly width: number;
  readonly count: number;
}

/** Several histograms as one. */
export function mergeBins(histograms: readonly (readonly Bin[])[]): Bin[] {
  const bins = new Map<string, Bin>();
  for (const bin of histograms.flat()) {
    const id = `${bin.low} ${bin.width}`;
    bins.set(id, { ...bin, count: bin.count + (bins.get(id)?.count ?? 0) });
  }
  return [...bins.values()].sort((a, b) => a.low - b.low);
}

/**
 * The value below which a share of the values lies, as if those of a bin were spread evenly over it; undefined where there is
 * none.
 * @param bins in the order of their values.
 */
export function quantileOf(bins: readonly Bin[], share: number): number | undefined {
  const wanted = share * bins.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  for (const { low, width, count } of bins) {
    if (count > 0 && before + count >= wanted) return low + (width * (wanted - before)) / count;
    before += count;
  }
  return undefined;
}
