// An issuer of tokens, and what is asked of them.

import { Bytes, Config, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { plainName } from "../../common/names";
import { Identity } from "./caller";
import { ClaimChecks } from "./claim-checks";
import { ClaimOutputs } from "./claim-outputs";
import { Jwt } from "./jwt";
import { KeySet } from "./keys/key-set";
import { readKeySet } from "./keys/read";
import { Reason } from "../reason";
import { isHeaderValue } from "../text";
import { CredentialLocation, readTokenLocations } from "./credential-location";

const ON_FAILURE: string[] = ["refuse", "ignore"];

/** One issuer. */
@final
export class JwtProvider {
  readonly name: string;
  readonly issuer: string;
  /** Where its tokens may be. */
  readonly locations: CredentialLocation[];
  /** Whether the upstream gets the token. */
  readonly forward: bool;
  /** Whether a bad token is as good as none, and does not refuse the request. */
  readonly ignoresFailure: bool;
  readonly outputs: ClaimOutputs;
  /** What its tokens are signed with. */
  readonly keys: KeySet;
  private checks: ClaimChecks;
  /** Why the last `verify` gave null. */
  reason: Reason = Reason.None;

  /** @param order The place among the providers. */
  constructor(
    config: Config,
    object: ConfigObject,
    readonly order: i32,
  ) {
    const name = plainName(object, "name");
    this.name = name;
    this.issuer = object.string("issuer");
    this.keys = readKeySet(config, object, name);
    this.locations = readTokenLocations(object);
    this.forward = object.boolOr("forward", false);
    this.ignoresFailure = object.oneOfOr("onFailure", ON_FAILURE, 0) == 1;
    this.checks = new ClaimChecks(object);
    this.outputs = new ClaimOutputs(object);
  }

  /** Who the token speaks of, or null when it is not good; `reason` then tells why. */
  verify(jwt: Jwt, now: f64): Identity | null {
    this.reason = this.keys.verify(jwt);
    if (this.reason != Reason.None) return null;
    // What is in a token counts only from here on.
    const subject = jwt.claims.member("sub");
    const identity = new Identity(this, subject === null ? "" : subject.text, jwt.claims);
    identity.key = this.keys.verifiedBy;
    this.reason = this.checks.judge(jwt, identity, now);
    if (this.reason != Reason.None) return null;
    const principal = Bytes.utf8(`${this.issuer}/${identity.subject}`);
    if (!isHeaderValue(principal) || !this.outputs.prepare(jwt, identity)) {
      this.reason = Reason.TokenClaim;
      return null;
    }
    identity.principal = principal.copy();
    return identity;
  }
}
