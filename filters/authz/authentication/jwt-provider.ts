// An issuer of tokens, and what is asked of them.

import { Bytes, Config, ConfigObject, Duration, HeaderName, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { ownHeaderName, plainName } from "../../common/names";
import { Identity } from "./caller";
import { ClaimPath } from "./claims";
import { Jwt } from "./jwt";
import { KeySet } from "./keys/key-set";
import { readKeySet } from "./keys/read";
import { Reason } from "../reason";
import { isHeaderValue } from "../text";
import { TokenLocation } from "./token-location";

const MAX_SKEW_MILLISECONDS: i64 = 3_600_000;

/** Times beyond have no exact double (RFC 7519's NumericDate is a JSON number). */
// @ts-ignore: decorator
@inline const MAX_TIME: f64 = 9_007_199_254_740_992;

/** A header that is set to a claim. */
@final
export class ClaimHeader {
  readonly header: HeaderName;
  private claim: ClaimPath;

  constructor(object: ConfigObject) {
    this.claim = ClaimPath.read(object, "claim");
    this.header = new HeaderName(ownHeaderName(object, "header"));
  }

  find(claims: JsonValue): JsonValue | null {
    return this.claim.find(claims);
  }
}

/** One issuer. */
@final
export class JwtProvider {
  readonly name: string;
  readonly issuer: string;
  /** Where its tokens may be. */
  readonly locations: TokenLocation[];
  /** Whether the upstream gets the token. */
  readonly forward: bool;
  readonly clearRouteCache: bool;
  claimHeaders: ClaimHeader[] = [];
  private audiences: string[];
  /** What its tokens are signed with. */
  readonly keys: KeySet;
  /** In seconds. */
  private clockSkew: f64;
  private requireExpiration: bool;
  /** Why the last `verify` gave null. */
  reason: Reason = Reason.None;

  constructor(config: Config, object: ConfigObject) {
    const name = plainName(object, "name");
    this.name = name;
    this.issuer = object.string("issuer");
    this.audiences = object.strings("audiences");
    this.keys = readKeySet(config, object, name);
    this.locations = TokenLocation.readAll(object);
    this.forward = object.boolOr("forward", false);
    this.clockSkew = <f64>readSkew(object) / 1000;
    this.requireExpiration = object.boolOr("requireExpiration", true);
    this.clearRouteCache = object.boolOr("clearRouteCache", false);
    refuseEmpty(object, "audiences", this.audiences.length);
    const headers = object.objects("claimToHeaders");
    refuseEmpty(object, "claimToHeaders", headers.length);
    for (let i = 0; i < headers.length; ++i) this.claimHeaders.push(new ClaimHeader(headers[i]));
  }

  /** Who the token speaks of, or null when it is not good; `reason` then tells why. */
  verify(jwt: Jwt, now: f64): Identity | null {
    this.reason = this.keys.verify(jwt);
    if (this.reason != Reason.None) return null;
    // What is in a token counts only from here on.
    const identity = this.identify(jwt.claims);
    if (identity === null) {
      this.reason = Reason.TokenClaim;
      return null;
    }
    if (!this.isAudience(jwt.claims.member("aud"))) this.reason = Reason.TokenAudience;
    else this.reason = timeReason(identity, now);
    return this.reason == Reason.None ? identity : null;
  }

  private identify(claims: JsonValue): Identity | null {
    const subject = claims.member("sub");
    if (subject !== null && subject.kind != JsonKind.String) return null;
    const identity = new Identity(this, subject === null ? "" : subject.text, claims);
    identity.key = this.keys.verifiedBy;
    const principal = Bytes.utf8(`${this.issuer}/${identity.subject}`);
    if (!isHeaderValue(principal)) return null;
    identity.principal = principal.copy();

    const expiration = claims.member("exp");
    if (expiration === null ? this.requireExpiration : !isTime(expiration)) return null;
    if (expiration !== null) identity.notAfter = expiration.number + this.clockSkew;
    const start = claims.member("nbf");
    if (start !== null && !isTime(start)) return null;
    if (start !== null) identity.notBefore = start.number - this.clockSkew;

    for (let i = 0; i < this.claimHeaders.length; ++i) {
      const claim = this.claimHeaders[i].find(claims);
      const value: string | null = claim === null ? null : headerText(claim);
      if (value === null) {
        identity.headerValues.push(null);
        continue;
      }
      const bytes = Bytes.utf8(value);
      if (!isHeaderValue(bytes)) return null;
      identity.headerValues.push(bytes.copy());
    }
    return identity;
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

/**
 * A claim as a header has it: text, number and bool as they are, an array of them joined by commas. Null for what has no
 * such form, an item with a comma included, which would read as two.
 */
export function headerText(claim: JsonValue): string | null {
  if (claim.kind == JsonKind.Array) {
    const parts: string[] = [];
    for (let i = 0; i < claim.items.length; ++i) {
      const part = scalarText(claim.items[i]);
      if (part === null || part.includes(",")) return null;
      parts.push(part);
    }
    return parts.length ? parts.join(",") : null;
  }
  return scalarText(claim);
}

function scalarText(value: JsonValue): string | null {
  if (value.kind == JsonKind.String || value.kind == JsonKind.Number) return value.text;
  if (value.kind != JsonKind.Bool) return null;
  return value.bool ? "true" : "false";
}

function readSkew(object: ConfigObject): i64 {
  if (!object.has("clockSkew")) return 60_000;
  const skew = Duration.parse(object.string("clockSkew"));
  if (skew !== null && skew.milliseconds <= MAX_SKEW_MILLISECONDS) return skew.milliseconds;
  object.error("clockSkew", 'a duration from 0s to 1h such as "60s"');
  return 0;
}
