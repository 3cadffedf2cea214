// Finding and verifying the token of a request.

import { Bytes, JsonKind, LruCache, currentTimeNanoseconds, currentTimeSeconds } from "proxy-wasm-assemblyscript-sdk";
import { Caller, Identity } from "./caller";
import { Jwt, parseJwt } from "./jwt";
import { timeReason } from "./claim-checks";
import { JwtProvider } from "./jwt-provider";
import { Reason } from "../reason";
import { Found, TokenLocation } from "./token-location";

/** Bytes of a token in the cache, on average at the most. */
// @ts-ignore: decorator
@inline const CACHED_TOKEN_SIZE: i32 = 4096;

/**
 * Tokens that were verified, so that a token is verified once. A hit needs every byte of the token, signature included, so a forged
 * token can never be one; only good tokens come in, so a flood of bad ones does not push them out. Whoever asks looks at the time.
 * @param size Number of tokens; 0 for no cache.
 */
export function tokenCache(size: i32): LruCache<Identity> {
  return new LruCache<Identity>(size, <i64>size * CACHED_TOKEN_SIZE, currentTimeNanoseconds());
}

/** A place where tokens can be, and the providers that allow them there. */
@final
class Source {
  providers: JwtProvider[] = [];

  constructor(readonly location: TokenLocation) {}
}

/** The tokens of all providers. */
@final
export class Tokens {
  private sources: Source[] = [];

  constructor(
    providers: JwtProvider[],
    private cache: LruCache<Identity>,
  ) {
    for (let i = 0; i < providers.length; ++i) {
      const locations = providers[i].locations;
      for (let j = 0; j < locations.length; ++j) this.sourceAt(locations[j]).providers.push(providers[i]);
    }
  }

  /** Looks at the request's token, if it has one. There must not be more than one, wherever they are. */
  authenticate(caller: Caller): Reason {
    for (let i = 0; i < this.sources.length; ++i) {
      const source = unchecked(this.sources[i]);
      const found = source.location.find();
      if (found == Found.Nothing) continue;
      if (found == Found.TooMany || caller.identity !== null) return Reason.TooManyTokens;
      const reason = this.verify(source.location.token, source.providers, caller);
      if (reason != Reason.None) return reason;
      caller.tokenHeader = source.location.header;
    }
    return Reason.None;
  }

  private verify(token: Bytes, providers: JwtProvider[], caller: Caller): Reason {
    const now = <f64>currentTimeSeconds();
    const known = this.cache.get(token);
    if (known !== null && known.isKeyValid && providers.includes(known.provider)) {
      caller.identity = known;
      return timeReason(known, now);
    }
    const jwt = parseJwt(token);
    if (jwt === null) return Reason.TokenMalformed;
    const provider = providerOf(jwt, providers);
    if (provider === null) return Reason.TokenUnknownIssuer;
    const identity = provider.verify(jwt, now);
    if (identity === null) return provider.reason;
    this.cache.set(token, identity);
    caller.identity = identity;
    return Reason.None;
  }

  private sourceAt(location: TokenLocation): Source {
    for (let i = 0; i < this.sources.length; ++i) {
      if (this.sources[i].location.isSame(location)) return this.sources[i];
    }
    const source = new Source(location);
    this.sources.push(source);
    return source;
  }
}

/** The provider whose token this claims to be. An unknown issuer is an error, never the same as no token (CVE-2021-21378). */
function providerOf(jwt: Jwt, providers: JwtProvider[]): JwtProvider | null {
  const issuer = jwt.claims.member("iss");
  if (issuer === null || issuer.kind != JsonKind.String) return null;
  for (let i = 0; i < providers.length; ++i) {
    if (providers[i].issuer == issuer.text) return providers[i];
  }
  return null;
}
