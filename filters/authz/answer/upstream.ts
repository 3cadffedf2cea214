// What the upstream, later filters and the access log learn of a request.

import { Bytes, Property, Status, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Caller } from "../authentication/caller";
import { CredentialLocation } from "../authentication/credential-location";
import { setHeader } from "../authentication/claim-outputs";
import { AuthzConfig } from "../config";
import { isLoosely } from "../text";

/** Filter state `wasm.authz.principal`. */
const PRINCIPAL: Property = new Property(["authz.principal"]);

/** Tells later filters and the access log who calls. False when the host failed to. */
export function announce(caller: Caller): bool {
  for (let i = 0; i < caller.identities.length; ++i) {
    const identity = unchecked(caller.identities[i]);
    if (!identity.provider.outputs.setStates(identity)) return false;
  }
  const principal = caller.principal;
  return principal === null || PRINCIPAL.set(Bytes.of(principal)) == Status.Ok;
}

/** Changes the request into what the upstream is to get. */
@final
export class Upstream {
  constructor(private config: AuthzConfig) {}

  /** Takes credentials and forged headers out, and puts the caller in. False when the host failed to. */
  prepare(caller: Caller): bool {
    if (!this.removeForged()) return false;
    for (let i = 0; i < caller.withheld.length; ++i) {
      if (!unchecked(caller.withheld[i]).remove()) return false;
    }
    for (let i = 0; i < caller.identities.length; ++i) {
      const identity = unchecked(caller.identities[i]);
      if (!identity.provider.outputs.setHeaders(identity)) return false;
    }
    const principal = caller.principal;
    const header = this.config.principalHeader;
    return principal === null || header === null || setHeader(header, principal);
  }

  /** Takes out all that could hold a credential which is not to be forwarded, good or bad. False when the host failed to. */
  removeCredentials(): bool {
    const apiKeys = this.config.apiKeys;
    if (apiKeys !== null && !apiKeys.forward && !removeAll(apiKeys.locations)) return false;
    const basic = this.config.basic;
    if (basic !== null && !basic.forward && !basic.location.remove()) return false;
    for (let i = 0; i < this.config.providers.length; ++i) {
      const provider = this.config.providers[i];
      if (!provider.forward && !removeAll(provider.locations)) return false;
    }
    return true;
  }

  /** Removes what the client sent under the names of our headers, also with `_` for `-`, which CGI and its heirs take for the same. */
  private removeForged(): bool {
    const own = this.config.ownHeaders;
    if (own.length == 0) return true;
    for (let i = 0; i < requestHeaders.count; ++i) {
      const name = requestHeaders.nameAt(i);
      if (!isLooselyOneOf(name, own)) continue;
      if (requestHeaders.remove(name.toString()) != Status.Ok) return false;
      // The map has changed: from the start.
      i = -1;
    }
    return true;
  }
}

function removeAll(locations: CredentialLocation[]): bool {
  for (let i = 0; i < locations.length; ++i) {
    if (!locations[i].remove()) return false;
  }
  return true;
}

function isLooselyOneOf(name: Bytes, names: string[]): bool {
  for (let i = 0; i < names.length; ++i) {
    if (isLoosely(name, unchecked(names[i]))) return true;
  }
  return false;
}
