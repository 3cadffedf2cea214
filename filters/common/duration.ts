// Durations as the Gateway API writes them (GEP-2257), of which the whole seconds of protobuf's JSON are a part.

const UNITS: string[] = ["h", "m", "s", "ms"];
const MILLISECONDS: i64[] = [3_600_000, 60_000, 1000, 1];

/**
 * The milliseconds of `"1h30m"`, `"60s"` or `"500ms"`: one to four numbers of up to five digits, each with its unit, which is one
 * of h, m, s and ms. -1 for anything else.
 */
export function parseDuration(text: string): i64 {
  let total: i64 = 0;
  let at = 0;
  let parts = 0;
  while (at < text.length) {
    const start = at;
    let number: i64 = 0;
    while (at < text.length && <u32>(text.charCodeAt(at) - 0x30) < 10) {
      if (at - start == 5) return -1;
      number = number * 10 + (text.charCodeAt(at++) - 0x30);
    }
    if (at == start) return -1;
    const unitStart = at;
    while (at < text.length && <u32>(text.charCodeAt(at) - 0x30) >= 10) ++at;
    const unit = UNITS.indexOf(text.substring(unitStart, at));
    if (unit < 0 || ++parts > 4) return -1;
    total += number * MILLISECONDS[unit];
  }
  return parts ? total : -1;
}
