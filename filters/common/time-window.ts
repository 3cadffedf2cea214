// Times at which a rule is in force.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

const DAY: i64 = 86_400;
const DAYS: string[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** A span of time, or a window that comes back every week. */
@final
export class TimeWindow {
  private from: i64 = i64.MIN_VALUE;
  private until: i64 = i64.MAX_VALUE;
  private isWeekly: bool = false;
  /** A bit for each day from Monday on. */
  private days: i32 = 0;
  /** Seconds of the day; where `end` is not behind `start`, it is one of the next day. */
  private start: i64 = 0;
  private end: i64 = DAY;
  /** Seconds by which local time is ahead of UTC. */
  private offset: i64 = 0;

  /** Reads `{ from, until }`, in RFC 3339, or `{ days, start, end, utcOffset }`. */
  static read(object: ConfigObject): TimeWindow {
    const window = new TimeWindow();
    window.isWeekly = object.has("days");
    if (window.isWeekly) window.readWeekly(object);
    else window.readSpan(object);
    return window;
  }

  /** Whether a time, in seconds since 1970, is in it. The end is not. */
  has(seconds: i64): bool {
    if (!this.isWeekly) return seconds >= this.from && seconds < this.until;
    const local = seconds + this.offset;
    const day = floorDiv(local, DAY);
    const time = local - day * DAY;
    if (this.start < this.end) return this.hasDay(day) && time >= this.start && time < this.end;
    return (time >= this.start && this.hasDay(day)) || (time < this.end && this.hasDay(day - 1));
  }

  private hasDay(day: i64): bool {
    // 1970-01-01 was a Thursday.
    return ((this.days >> (<i32>((day + 3) % 7))) & 1) != 0;
  }

  private readSpan(object: ConfigObject): void {
    if (!object.has("from") && !object.has("until")) object.error("from", "from, until or both, or days");
    if (object.has("from")) this.from = readTime(object, "from");
    if (object.has("until")) this.until = readTime(object, "until");
    if (this.from >= this.until) object.error("until", "a time later than from");
  }

  private readWeekly(object: ConfigObject): void {
    const days = object.strings("days");
    for (let i = 0; i < days.length; ++i) {
      const day = DAYS.indexOf(days[i]);
      if (day < 0) object.error("days", `names out of ${DAYS.join(", ")}`);
      else this.days |= 1 << day;
    }
    if (days.length == 0) object.error("days", "at least one item");
    if (object.has("start")) this.start = readClock(object, "start", DAY - 60);
    if (object.has("end")) this.end = readClock(object, "end", DAY);
    const offset = object.stringOr("utcOffset", "Z");
    this.offset = parseOffset(offset);
    if (this.offset == INVALID) object.error("utcOffset", '"Z" or an offset such as "+02:00"');
    if (this.start == this.end) object.error("end", "a time other than start");
  }
}

const INVALID: i64 = i64.MIN_VALUE;

function readTime(object: ConfigObject, field: string): i64 {
  const time = parseRfc3339(object.string(field));
  if (time == INVALID) object.error(field, 'a time such as "2026-01-31T18:00:00+01:00"');
  return time;
}

function readClock(object: ConfigObject, field: string, most: i64): i64 {
  const text = object.string(field);
  const hours = text.length == 5 && text.charCodeAt(2) == 0x3a ? digits(text, 0, 2) : -1;
  const minutes = hours < 0 ? -1 : digits(text, 3, 2);
  const time = <i64>hours * 3600 + <i64>minutes * 60;
  if (minutes >= 0 && minutes < 60 && time <= most) return time;
  object.error(field, 'a time such as "08:30"');
  return 0;
}

/** Seconds since 1970 of a date and time with offset (RFC 3339, section 5.6), fractions cut off; `INVALID` for anything else. */
export function parseRfc3339(text: string): i64 {
  if (text.length < 20) return INVALID;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const punctuation =
    text.charAt(4) + text.charAt(7) + text.charAt(10).toUpperCase() + text.charAt(13) + text.charAt(16);
  if (punctuation != "--T::" || year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return INVALID;
  if (<u32>hour > 23 || <u32>minute > 59 || <u32>second > 60) return INVALID;
  let at = 19;
  if (text.charAt(at) == ".") {
    const start = ++at;
    while (at < text.length && digits(text, at, 1) >= 0) ++at;
    if (at == start) return INVALID;
  }
  const offset = parseOffset(text.substring(at));
  if (offset == INVALID) return INVALID;
  return daysSince1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
}

/** Seconds of `Z` or `+hh:mm`. */
function parseOffset(text: string): i64 {
  if (text == "Z" || text == "z") return 0;
  const sign = text.charAt(0);
  if (text.length != 6 || (sign != "+" && sign != "-") || text.charAt(3) != ":") return INVALID;
  const hours = digits(text, 1, 2);
  const minutes = digits(text, 4, 2);
  if (<u32>hours > 23 || <u32>minutes > 59) return INVALID;
  const seconds = <i64>(hours * 3600 + minutes * 60);
  return sign == "-" ? -seconds : seconds;
}

function digits(text: string, start: i32, count: i32): i32 {
  let value = 0;
  for (let i = start; i < start + count; ++i) {
    const digit = i < text.length ? text.charCodeAt(i) - 0x30 : -1;
    if (<u32>digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isLeap(year: i32): bool {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

function daysIn(year: i32, month: i32): i32 {
  if (month == 2) return isLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** By years that begin in March, so that the leap day is their last. */
function daysSince1970(year: i32, month: i32, day: i32): i64 {
  const y = <i64>(month <= 2 ? year - 1 : year);
  const m = <i64>((month + 9) % 12);
  return y * 365 + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (m * 153 + 2) / 5 + day - 719_469;
}

function floorDiv(a: i64, b: i64): i64 {
  const quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}
