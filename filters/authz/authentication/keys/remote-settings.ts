import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { durationOr } from "../../../common/durations";
import { isHeaderValue } from "../../text";

const SCHEMES: string[] = ["http", "https"];
// @ts-ignore: decorator
@inline const HTTPS: i32 = 1;
// @ts-ignore: decorator
@inline const DAY: i64 = 86_400_000;

/** `remoteJwks`: where keys are fetched from, and when. Times are in milliseconds. */
@final
export class RemoteSettings {
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly scheme: string;
  readonly timeout: i64;
  /** A set is fetched again after this time at the latest. */
  readonly refresh: i64;
  /** And not before this one, whatever the answer says and whoever asks. */
  readonly minRefresh: i64;
  /** How long the last good set is used when it should have been fetched again and could not be. */
  readonly staleIfError: i64;

  constructor(object: ConfigObject) {
    const cluster = object.string("cluster");
    const authority = object.stringOr("authority", cluster);
    this.cluster = cluster;
    this.authority = authority;
    const path = object.string("path");
    this.path = path;
    this.scheme = SCHEMES[object.oneOfOr("scheme", SCHEMES, HTTPS)];
    this.timeout = durationOr(object, "timeout", 100, 60_000, 5000);
    const refresh = durationOr(object, "refresh", 1000, DAY, 600_000);
    this.refresh = refresh;
    const minRefresh = durationOr(object, "minRefresh", 1000, 3_600_000, min<i64>(30_000, refresh));
    this.minRefresh = minRefresh;
    this.staleIfError = durationOr(object, "staleIfError", 0, 30 * DAY, DAY);
    if (path.length && (!path.startsWith("/") || !isPath(path))) {
      object.error("path", 'a path that begins with "/", of printable ASCII');
    }
    if (!authority.length || !isHeaderValue(Bytes.utf8(authority))) object.error("authority", "a host");
    if (minRefresh > refresh) object.error("minRefresh", "a duration that is no longer than refresh");
  }

  /** Equal for settings that lead to the same keys at the same time. */
  get identity(): string {
    const times = `${this.timeout} ${this.refresh} ${this.minRefresh} ${this.staleIfError}`;
    return `${this.cluster}\n${this.scheme}\n${this.authority}\n${this.path}\n${times}`;
  }
}

function isPath(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code == 0x23) return false;
  }
  return true;
}
