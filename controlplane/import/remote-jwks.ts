import type { Cursor } from "./cursor.ts";

/** What the filter allows, in milliseconds. */
const TIMEOUT = [100, 60_000] as const;
const REFRESH = [1000, 86_400_000] as const;

/** The filter's `remoteJwks` for keys at a URL. Durations are those of protobuf's JSON; left out, the filter's own hold. */
export function remoteJwks(cluster: string, url: URL, timeout?: Cursor, refresh?: Cursor): object {
  const timeoutText = duration(timeout, TIMEOUT);
  const refreshText = duration(refresh, REFRESH);
  return {
    cluster,
    path: `${url.pathname}${url.search}`,
    authority: url.host,
    ...(url.protocol === "http:" ? { scheme: "http" } : {}),
    ...(timeoutText === undefined ? {} : { timeout: timeoutText }),
    ...(refreshText === undefined ? {} : { refresh: refreshText }),
  };
}

function duration(field: Cursor | undefined, [least, most]: readonly [number, number]): string | undefined {
  if (field === undefined) return undefined;
  const text = field.string();
  if (!/^\d+(\.\d{1,9})?s$/.test(text)) {
    field.report("error", `expected a duration in seconds such as "5s", found ${JSON.stringify(text)}`);
    return undefined;
  }
  const wanted = Math.ceil(Number(text.slice(0, -1)) * 1000);
  const milliseconds = Math.min(Math.max(wanted, least), most);
  const written = inUnits(milliseconds);
  if (wanted !== milliseconds)
    field.report("note", `the filter allows ${inUnits(least)} to ${inUnits(most)}: ${written}`);
  return written;
}

function inUnits(milliseconds: number): string {
  const rest = milliseconds % 1000;
  const seconds = (milliseconds - rest) / 1000;
  return `${seconds > 0 ? `${String(seconds)}s` : ""}${rest > 0 ? `${String(rest)}ms` : ""}`;
}
