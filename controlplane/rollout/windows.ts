import type { WindowSpec } from "../model/index.ts";

/** Whether a rollout may start a wave at this time. Without windows it always may. */
export function isOpen(windows: readonly WindowSpec[], now: number): boolean {
  return windows.length === 0 || windows.some((window) => contains(window, now));
}

/** A window whose end is not after its beginning goes on until that time of the next day. */
function contains({ days, from, to, timeZone }: WindowSpec, now: number): boolean {
  const { day, time } = localTime(now, timeZone);
  if (from < to) return days.includes(day) && from <= time && time < to;
  return (days.includes(day) && from <= time) || (days.includes(dayBefore(day)) && time < to);
}

const WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

type Day = (typeof WEEK)[number];

function dayBefore(day: Day): Day {
  return WEEK[(WEEK.indexOf(day) + 6) % 7] ?? day;
}

/** The time of day as `HH:MM`, which compares as text. */
function localTime(now: number, timeZone: string): { readonly day: Day; readonly time: string } {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const weekday = parts.get("weekday");
  const day = WEEK.find((one) => one === weekday);
  if (day === undefined) throw new Error(`no weekday in ${JSON.stringify(weekday)}`);
  return { day, time: `${parts.get("hour") ?? ""}:${parts.get("minute") ?? ""}` };
}
