// What a provider asks of the claims of a token.

import { Bytes, ConfigObject, Duration, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { StringMatch } from "../../common/string-match";
import { Reason } from "../reason";
import { Identity } from "./caller";
import { Jwt } from "./jwt";

const MAX_SKEW_MILLISECONDS: i64 = 3_600_000;
const MAX_LIFETIME_MILLISECONDS: i64 = 87_600 * 3_600_000;
const MEDIA_TYPE_PREFIX: string = "application/";

/** Times beyond have no exact double (RFC 7519's NumericDate is a JSON number). */
// @ts-ignore: decorator
@inline const MAX_TIME: f64 = 9_007_199_254_740_992;


@final
export class ClaimChecks {
  private audiences: string[] = [];
  private subjects: StringMatch[] = [];
  private types: string[] = [];
  /** In seconds. */
  private clockSkew: f64 = 0;
  private requireExpiration: bool = true;
  /** From `iat` to `exp`, in seconds; infinite where nothing is asked for. */
  private maxLifetime: f64 = f64.POSITIVE_INFINITY;

  constructor(object: ConfigObject) {
    this.audiences = object.strings("audiences");
    refuseEmpty(object, "audiences", this.audiences.length);
    const subjects = object.objects("subjects");
    refuseEmpty(object, "subjects", subjects.length);
    for (let i = 0; i < subjects.length; ++i) this.subjects.push(StringMatch.read(subjects[i]));
    this.types = object.strings("types");
    refuseEmpty(object, "types", this.types.length);
    for (let i = 0; i < this.types.length; ++i) this.types[i] = mediaType(this.types[i]);
    this.clockSkew = seconds(object, "clockSkew", 0, MAX_SKEW_MILLISECONDS, 60, 'from 0s to 1h such as "60s"');
    this.requireExpiration = object.boolOr("requireExpiration", true);
    const range = 'from 1s to 87600h such as "1h"';
    this.maxLifetime = seconds(object, "maxLifetime", 1000, MAX_LIFETIME_MILLISECONDS, this.maxLifetime, range);
  }

  /** Whether the claims of a token that was verified are good now. Sets the times of `identity`. */
  judge(jwt: Jwt, identity: Identity, now: f64): Reason {
    const claims = jwt.claims;
    const subject = claims.member("sub");
    if (subject !== null && subject.kind != JsonKind.String) return Reason.TokenClaim;
    const expiration = claims.member("exp");
    const issued = claims.member("iat");
    const isBounded = this.maxLifetime != f64.POSITIVE_INFINITY;
    if (expiration === null ? this.requireExpiration || isBounded : !isTime(expiration)) return Reason.TokenClaim;
    if (issued === null ? isBounded : !isTime(issued)) return Reason.TokenClaim;
    const start = claims.member("nbf");
    if (start !== null && !isTime(start)) return Reason.TokenClaim;

    if (expiration !== null) identity.notAfter = expiration.number + this.clockSkew;
    if (start !== null) identity.notBefore = start.number - this.clockSkew;
    // Who says to have issued a token in the future has a wrong clock, or made the token for later.
    if (issued !== null) identity.notBefore = max(identity.notBefore, issued.number - this.clockSkew);
    if (!this.isAudience(claims.member("aud"))) return Reason.TokenAudience;
    if (this.subjects.length && !(subject !== null && this.isSubject(identity))) return Reason.TokenSubject;
    if (this.types.length && !this.isType(jwt.type)) return Reason.TokenType;
    if (expiration !== null && issued !== null) {
      if (expiration.number - issued.number > this.maxLifetime) return Reason.TokenLifetime;
    }
    return timeReason(identity, now);
  }

  private isAudience(claim: JsonValue | null): bool {
    if (this.audiences.length == 0) return true;
    if (claim === null) return false;
    if (claim.kind == JsonKind.String) return this.audiences.includes(claim.text);
    if (claim.kind != JsonKind.Array) return false;
    for (let i = 0; i < claim.items.length; ++i) {
      const item = claim.items[i];
      if (item.kind == JsonKind.String && this.audiences.includes(item.text)) return true;
    }
    return false;
  }

  private isSubject(identity: Identity): bool {
    const subject = Bytes.utf8(identity.subject);
    for (let i = 0; i < this.subjects.length; ++i) {
      if (this.subjects[i].matches(subject)) return true;
    }
    return false;
  }

  private isType(type: string | null): bool {
    return type !== null && this.types.includes(mediaType(type));
  }
}

/** Whether a token that was verified is good at this time, in seconds since 1970. */
export function timeReason(identity: Identity, now: f64): Reason {
  // RFC 7519, section 4.1.4: the time must be before the expiration.
  if (now >= identity.notAfter) return Reason.TokenExpired;
  return now < identity.notBefore ? Reason.TokenNotYetValid : Reason.None;
}

function isTime(value: JsonValue): bool {
  if (value.kind != JsonKind.Number) return false;
  const time = value.number;
  return time >= 0 && time <= MAX_TIME;
}

/** A media type without the prefix that a `typ` may leave out (RFC 7515, section 4.1.9); case does not count. */
function mediaType(type: string): string {
  const lower = type.toLowerCase();
  const rest = lower.startsWith(MEDIA_TYPE_PREFIX) ? lower.substring(MEDIA_TYPE_PREFIX.length) : lower;
  return rest.includes("/") ? lower : rest;
}

/** A duration that may be left out, in seconds. */
function seconds(object: ConfigObject, field: string, min: i64, max: i64, absent: f64, range: string): f64 {
  if (!object.has(field)) return absent;
  const duration = Duration.parse(object.string(field));
  if (duration !== null && duration.milliseconds >= min && duration.milliseconds <= max) {
    return <f64>duration.milliseconds / 1000;
  }
  object.error(field, `a duration ${range}`);
  return absent;
}
