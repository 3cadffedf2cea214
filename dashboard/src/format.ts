const counts = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const hours = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function count(value: number): string {
  return counts.format(value);
}

/** `1 sidecar`, `2 sidecars`. */
export function several(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}

/** Such as 12.3K. */
export function short(value: number): string {
  return compact.format(value);
}

/** `0.12 %` of 0.0012. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/** `<share>` with its whole. */
export function share(of: number, all: number): string {
  return all === 0 ? "–" : percent(of / all);
}

/** The first characters of a hash. */
export function hash(text: string): string {
  return text.slice(0, 8);
}

export function dateTime(iso: string): string {
  return days.format(new Date(iso));
}

export function timeOfDay(at: number): string {
  return hours.format(new Date(at));
}

/** `5 minutes ago`. */
export function since(iso: string, now = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1_000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return ago.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 5],
];

/** `90` as `1 min 30 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
