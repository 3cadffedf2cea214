// The package's own types are not in the "exports" of its package.json.
declare module "cephes" {
  /** Settles when the functions can be called. */
  export const compiled: Promise<void>;
  /** The probability that chi-square with `df` degrees of freedom is above `x`. */
  export function chdtrc(df: number, x: number): number;
}
