// Finding and verifying the token of a request.

import {
  Bytes,
  Counter,
  JsonKind,
  LruCache,
  currentTimeNanoseconds,
  currentTimeSeconds,
} from "proxy-wasm-assemblyscript-sdk";
import { Caller, Identity } from "./caller";
import { Jwt, parseJwt } from "./jwt";
import { timeReason } from "./claim-checks";
import { JwtProvider } from "./jwt-provider";
import { Reason, isBadToken } from "../reason";
import { CredentialLocation, Found } from "./credential-location";

/** Bytes of memory for a token in the cache and all that it says, on average at the most. */
// @ts-ignore: decorator
@inline const CACHED_TOKEN_SIZE: i32 = 8192;

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

  constructor(readonly location: CredentialLocation) {}

  /** Whether the upstream gets whatever token is here. */
  get forwards(): bool {
    for (let i = 0; i < this.providers.length; ++i) if (!this.providers[i].forward) return false;
    return true;
  }

  /** Whether a bad token of whatever provider is as good as none. */
  get ignoresFailure(): bool {
    for (let i = 0; i < this.providers.length; ++i) if (!this.providers[i].ignoresFailure) return false;
    return true;
  }
}

/** The tokens of all providers. */
@final
export class Tokens {
  private sources: Source[] = [];
  private ignored: Counter = new Counter("authz.ignored_tokens");
  /** The provider of the token that `verify` looked at last, as far as it got; null for nobody's. */
  private provider: JwtProvider | null = null;

  /** @param several Whether a request may have a token of each of several providers. */
  constructor(
    providers: JwtProvider[],
    private several: bool,
    private cache: LruCache<Identity>,
  ) {
    for (let i = 0; i < providers.length; ++i) {
      const locations = providers[i].locations;
      for (let j = 0; j < locations.length; ++j) this.sourceAt(locations[j]).providers.push(providers[i]);
    }
  }

  /** Looks at the request's tokens, if it has some: one in a place, and one in all unless there may be several. */
  authenticate(caller: Caller): Reason {
    let count = 0;
    for (let i = 0; i < this.sources.length; ++i) {
      const source = unchecked(this.sources[i]);
      const found = source.location.find();
      if (found == Found.Nothing) continue;
      if (found == Found.TooMany || (++count > 1 && !this.several)) return Reason.TooManyTokens;
      const reason = this.verify(source.location.credential, source.providers, caller);
      const provider = this.provider;
      if (reason == Reason.None) {
        if (provider !== null && !provider.forward) caller.withheld.push(source.location);
        continue;
      }
      // What cannot be judged, or is one too many, is not bad: it is not known to be.
      const isBad = isBadToken(reason) && reason != Reason.TooManyTokens;
      if (!isBad || !(provider === null ? source.ignoresFailure : provider.ignoresFailure)) return reason;
      this.ignored.increment();
      if (!(provider === null ? source.forwards : provider.forward)) caller.withheld.push(source.location);
    }
    return Reason.None;
  }

  /** Adds the identity to the caller only when all of the token is good. */
  private verify(token: Bytes, providers: JwtProvider[], caller: Caller): Reason {
    const now = <f64>currentTimeSeconds();
    this.provider = null;
    let identity = this.cache.get(token);
    if (identity !== null && identity.isKeyValid && providers.includes(identity.provider)) {
      this.provider = identity.provider;
      const reason = timeReason(identity, now);
      if (reason == Reason.TokenExpired) this.cache.delete(token);
      if (reason != Reason.None) return reason;
    } else {
      const jwt = parseJwt(token);
      if (jwt === null) return Reason.TokenMalformed;
      const provider = providerOf(jwt, providers);
      if (provider === null) return Reason.TokenUnknownIssuer;
      this.provider = provider;
      identity = provider.verify(jwt, now);
      if (identity === null) return provider.reason;
      this.cache.set(token, identity, identity.memory);
    }
    return caller.add(identity) ? Reason.None : Reason.TooManyTokens;
  }

  private sourceAt(location: CredentialLocation): Source {
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
