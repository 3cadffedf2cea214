// An issuer of tokens, and what is asked of them.

import { Bytes, Config, ConfigObject, SignatureVerdict } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { plainName } from "../../common/names";
import { ALGORITHMS, Algorithm, algorithmOf } from "./algorithm";
import { Identity } from "./caller";
import { ClaimChecks } from "./claim-checks";
import { ClaimOutputs } from "./claim-outputs";
import { Jwt } from "./jwt";
import { readKeys } from "./jwks";
import { Key } from "./key";
import { Reason } from "../reason";
import { isHeaderValue } from "../text";
import { TokenLocation } from "./token-location";

/** One issuer. */
@final
export class JwtProvider {
  readonly name: string;
  readonly issuer: string;
  /** Where its tokens may be. */
  readonly locations: TokenLocation[];
  /** Whether the upstream gets the token. */
  readonly forward: bool;
  readonly outputs: ClaimOutputs;
  private checks: ClaimChecks;
  private algorithms: Algorithm[] = [];
  private keys: Key[];
  /** Why the last `verify` gave null. */
  reason: Reason = Reason.None;

  constructor(config: Config, object: ConfigObject) {
    this.name = plainName(object, "name");
    this.issuer = object.string("issuer");
    this.keys = readKeys(config, object.pathOf("localJwks"), object.json("localJwks"));
    this.locations = TokenLocation.readAll(object);
    this.forward = object.boolOr("forward", false);
    this.checks = new ClaimChecks(object);
    this.outputs = new ClaimOutputs(object);
    this.readAlgorithms(object);
  }

  /** Whether verifying its tokens needs the host. */
  get needsHost(): bool {
    for (let i = 0; i < this.keys.length; ++i) {
      if (this.keys[i].algorithm != Algorithm.HS256) return true;
    }
    return false;
  }

  /** Who the token speaks of, or null when it is not good; `reason` then tells why. */
  verify(jwt: Jwt, now: f64): Identity | null {
    this.reason = this.verifySignature(jwt);
    if (this.reason != Reason.None) return null;
    // What is in a token counts only from here on.
    const subject = jwt.claims.member("sub");
    const identity = new Identity(this, subject === null ? "" : subject.text, jwt.claims);
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

  private verifySignature(jwt: Jwt): Reason {
    if (!this.algorithms.includes(jwt.algorithm)) return Reason.TokenAlgorithm;
    let tried = false;
    for (let i = 0; i < this.keys.length; ++i) {
      const key = this.keys[i];
      if (!key.isFor(jwt)) continue;
      tried = true;
      const verdict = key.verify(jwt);
      if (verdict == SignatureVerdict.Valid) return Reason.None;
      if (verdict == SignatureVerdict.HostError) return Reason.Unavailable;
    }
    return tried ? Reason.TokenSignature : Reason.TokenUnknownKey;
  }

  private readAlgorithms(object: ConfigObject): void {
    const names = object.strings("algorithms");
    refuseEmpty(object, "algorithms", names.length);
    for (let i = 0; i < names.length; ++i) {
      const algorithm = algorithmOf(names[i]);
      if (algorithm == Algorithm.Unsupported) object.error("algorithms", `names out of ${ALGORITHMS.join(", ")}`);
      else this.algorithms.push(algorithm);
    }
    let usable = false;
    for (let i = 0; i < this.keys.length; ++i) {
      const algorithm = this.keys[i].algorithm;
      if (names.length == 0) this.algorithms.push(algorithm);
      usable = usable || this.algorithms.includes(algorithm);
    }
    if (this.keys.length && this.algorithms.length && !usable) {
      object.error("algorithms", "an algorithm that a key of localJwks has");
    }
  }
}
