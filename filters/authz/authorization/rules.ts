// Ordered rules: the first that matches decides, and no match denies.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { plainName } from "../../common/names";
import { Caller } from "../authentication/caller";
import { ClaimMatch } from "../authentication/claims";
import { HeaderMatch } from "./header-match";
import { HostMatch } from "./host-match";
import { PathMatch, anyPathMatches } from "./path-match";
import { PrincipalMatch, PrincipalTest } from "./principal-match";
import { RequestPath } from "./request-path";

/** What rules look at, besides headers. */
@unmanaged
@final
export class RequestView {
  method: Bytes;
  host: Bytes;
  path: RequestPath;
}

const ACTIONS: string[] = ["deny", "allow", "external"];

/** Conditions on a request, and whether it passes when all of them hold. */
@final
export class Rule {
  readonly name: string;
  readonly allow: bool;
  /** The authorizer that decides in the place of an `external` rule; empty for other rules. Such a rule matches as a `deny` rule does. */
  readonly authorizer: string;
  /** Whether it depends on who the caller is, and not on the request alone. */
  readonly asksForCaller: bool;
  headers: HeaderMatch[] = [];
  principals: PrincipalMatch[] = [];
  private methods: string[];
  private hosts: HostMatch[] = [];
  private paths: PathMatch[] = [];
  private claims: ClaimMatch[] = [];

  constructor(object: ConfigObject) {
    this.name = plainName(object, "name");
    const action = object.oneOf("action", ACTIONS);
    this.allow = action == 1;
    this.authorizer = action == 2 ? object.string("authorizer") : "";

    this.methods = object.strings("methods");
    refuseEmpty(object, "methods", this.methods.length);
    for (let i = 0; i < this.methods.length; ++i) {
      if (!isMethod(this.methods[i])) object.error("methods", 'methods in capitals such as "GET"');
    }
    const hosts = object.strings("hosts");
    refuseEmpty(object, "hosts", hosts.length);
    for (let i = 0; i < hosts.length; ++i) this.hosts.push(new HostMatch(object, hosts[i]));
    const paths = object.objects("paths");
    refuseEmpty(object, "paths", paths.length);
    for (let i = 0; i < paths.length; ++i) this.paths.push(new PathMatch(paths[i]));
    const headers = object.objects("headers");
    refuseEmpty(object, "headers", headers.length);
    for (let i = 0; i < headers.length; ++i) this.headers.push(new HeaderMatch(headers[i]));
    const claims = object.objects("claims");
    refuseEmpty(object, "claims", claims.length);
    for (let i = 0; i < claims.length; ++i) this.claims.push(new ClaimMatch(claims[i]));

    const principals = object.objects("principals");
    refuseEmpty(object, "principals", principals.length);
    for (let i = 0; i < principals.length; ++i) this.principals.push(PrincipalMatch.read(principals[i]));
    this.asksForCaller = principals.length > 0 || claims.length > 0;
    // A rule that says nothing of the caller lets nobody in without credentials, and keeps everybody out.
    if (principals.length == 0) {
      this.principals.push(new PrincipalMatch(this.allow ? PrincipalTest.Authenticated : PrincipalTest.Any));
    }
  }

  matches(request: RequestView, caller: Caller): bool {
    if (this.methods.length && !this.methodMatches(request.method)) return false;
    if (this.paths.length && !anyPathMatches(this.paths, request.path, this.allow)) return false;
    if (this.hosts.length && !this.hostMatches(request.host)) return false;
    return this.callerMatches(caller) && this.claimsMatch(caller) && this.headersMatch();
  }

  /** The field of the first condition that does not hold; empty when all hold. */
  explain(request: RequestView, caller: Caller): string {
    if (this.methods.length && !this.methodMatches(request.method)) return "methods";
    if (this.paths.length && !anyPathMatches(this.paths, request.path, this.allow)) return "paths";
    if (this.hosts.length && !this.hostMatches(request.host)) return "hosts";
    if (!this.callerMatches(caller)) return "principals";
    if (!this.claimsMatch(caller)) return "claims";
    return this.headersMatch() ? "" : "headers";
  }

  /** The scope for want of which an `allow` rule does not match a caller with a token (RFC 6750, section 3.1); empty otherwise. */
  missingScope(request: RequestView, caller: Caller): string {
    const identity = caller.identity;
    if (!this.allow || identity === null || this.explain(request, caller) != "claims" || !this.headersMatch())
      return "";
    let missing = "";
    for (let i = 0; i < this.claims.length; ++i) {
      const claim = this.claims[i];
      if (claim.matches(identity.claims)) continue;
      if (claim.scope.length == 0) return "";
      missing = missing.length ? `${missing} ${claim.scope}` : claim.scope;
    }
    return missing;
  }

  private methodMatches(method: Bytes): bool {
    for (let i = 0; i < this.methods.length; ++i) {
      if (method.is(unchecked(this.methods[i]))) return true;
    }
    return false;
  }

  private hostMatches(host: Bytes): bool {
    for (let i = 0; i < this.hosts.length; ++i) {
      if (unchecked(this.hosts[i]).matches(host)) return true;
    }
    return false;
  }

  private callerMatches(caller: Caller): bool {
    for (let i = 0; i < this.principals.length; ++i) {
      if (unchecked(this.principals[i]).matches(caller)) return true;
    }
    return false;
  }

  private claimsMatch(caller: Caller): bool {
    if (this.claims.length == 0) return true;
    const identity = caller.identity;
    if (identity === null) return false;
    for (let i = 0; i < this.claims.length; ++i) {
      if (!unchecked(this.claims[i]).matches(identity.claims)) return false;
    }
    return true;
  }

  private headersMatch(): bool {
    for (let i = 0; i < this.headers.length; ++i) {
      if (!unchecked(this.headers[i]).matches(this.allow)) return false;
    }
    return true;
  }
}

/** The scope that would have let a caller in whom no rule matches; empty where none would. */
export function missingScope(rules: Rule[], request: RequestView, caller: Caller): string {
  for (let i = 0; i < rules.length; ++i) {
    const scope = unchecked(rules[i]).missingScope(request, caller);
    if (scope.length) return scope;
  }
  return "";
}

/** The rule that decides on a request, or null when none matches. */
export function firstMatch(rules: Rule[], request: RequestView, caller: Caller): Rule | null {
  for (let i = 0; i < rules.length; ++i) {
    const rule = unchecked(rules[i]);
    if (rule.matches(request, caller)) return rule;
  }
  return null;
}

function isMethod(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (<u32>(code - 0x41) >= 26 && code != 0x2d && code != 0x5f) return false;
  }
  return true;
}
