const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds of a text such as "250ms", "1.5s", "2m", "1h" or "1d". Throws a RangeError for another text. */
export function parseDuration(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = MILLISECONDS[unit];
  if (factor === undefined) throw new RangeError(`a duration: expected a number and ms, s, m, h or d, found "${text}"`);
  return Number(number) * factor;
}
