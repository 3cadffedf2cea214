// Who sends a request.

import { JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { memoryOf } from "./claims";
import { CredentialLocation } from "./credential-location";
import { JwtProvider } from "./jwt-provider";
import { Key } from "./keys/key";

/** An API key that the configuration names. */
@final
export class ApiKey {
  constructor(
    readonly name: string,
    /** SHA-256 of the key. */
    readonly digest: Uint8Array,
    /** The name in UTF-8. */
    readonly principal: Uint8Array,
  ) {}
}

/** A user with a password. */
@final
export class BasicUser {
  constructor(
    readonly name: string,
    readonly salt: Uint8Array,
    /** PBKDF2 of the password. */
    readonly hash: Uint8Array,
    /** `user:` and the name, in UTF-8. */
    readonly principal: Uint8Array,
  ) {}
}

/** What a verified token says. */
@final
export class Identity {
  /** `issuer/subject`, in UTF-8. */
  principal: Uint8Array = new Uint8Array(0);
  /** Values of the provider's headers, in their order; null where the token has no such claim. */
  headerValues: (Uint8Array | null)[] = [];
  /** Values of the provider's filter states, likewise. */
  stateValues: (Uint8Array | null)[] = [];
  /** The claims as they stand in the token, in base64url; null where the provider forwards no payload. */
  payload: Uint8Array | null = null;
  /** The token is good before this time, in seconds since 1970, clock skew included. */
  notAfter: f64 = f64.POSITIVE_INFINITY;
  /** And from this time on. */
  notBefore: f64 = 0;
  /** The key that its token was signed with. */
  key: Key | null = null;

  constructor(
    readonly provider: JwtProvider,
    readonly subject: string,
    readonly claims: JsonValue,
  ) {}

  /** About how many bytes of memory it takes. */
  get memory(): i32 {
    const payload = this.payload;
    const size = 512 + memoryOf(this.claims) + (payload === null ? 0 : payload.length);
    return size + sizeOf(this.headerValues) + sizeOf(this.stateValues);
  }

  /** Whether the issuer still has the key of its token. */
  get isKeyValid(): bool {
    const key = this.key;
    return key !== null && !key.isRetired;
  }
}

/** The caller of the current request: nobody, or who holds one credential or several. */
@final
export class Caller {
  apiKey: ApiKey | null = null;
  user: BasicUser | null = null;
  /** What the tokens say, in the order of the providers; one of each provider at the most. */
  readonly identities: Identity[] = [];
  /** Where credentials are that the upstream does not get. */
  readonly withheld: CredentialLocation[] = [];

  get isAnonymous(): bool {
    return this.credentials == 0;
  }

  /** How many good credentials there are. */
  get credentials(): i32 {
    return this.identities.length + i32(this.apiKey !== null) + i32(this.user !== null);
  }

  /** The identity of the first provider, or null. */
  get identity(): Identity | null {
    return this.identities.length ? unchecked(this.identities[0]) : null;
  }

  /** False when there is one of the same provider. */
  add(identity: Identity): bool {
    const identities = this.identities;
    const order = identity.provider.order;
    let at = identities.length;
    while (at > 0 && unchecked(identities[at - 1]).provider.order > order) --at;
    if (at > 0 && unchecked(identities[at - 1]).provider === identity.provider) return false;
    identities.push(identity);
    for (let i = identities.length - 1; i > at; --i) unchecked((identities[i] = unchecked(identities[i - 1])));
    unchecked((identities[at] = identity));
    return true;
  }

  /** The name for later filters and the upstream: that of a token before that of the API key before that of the user. Null for nobody. */
  get principal(): Uint8Array | null {
    const identity = this.identity;
    if (identity !== null) return identity.principal;
    const apiKey = this.apiKey;
    if (apiKey !== null) return apiKey.principal;
    const user = this.user;
    return user === null ? null : user.principal;
  }

  forget(): void {
    this.apiKey = null;
    this.user = null;
    this.identities.length = 0;
    this.withheld.length = 0;
  }
}

function sizeOf(values: (Uint8Array | null)[]): i32 {
  let size = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i];
    size += 48 + (value === null ? 0 : value.length);
  }
  return size;
}
