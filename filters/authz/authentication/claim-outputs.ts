// What becomes of the claims of a good token: headers for the upstream, filter state for later filters and the access log.

import {
  Bytes,
  Config,
  ConfigObject,
  HeaderName,
  JsonKind,
  JsonValue,
  Property,
  Status,
  clearRouteCache,
  requestHeaders,
  stringifyJson,
} from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { ownHeaderName, plainName } from "../../common/names";
import { isHeaderValue } from "../text";
import { Identity } from "./caller";
import { ClaimPath } from "./claims";
import { Jwt } from "./jwt";

/** A header that is set to a claim. */
@final
class ClaimHeader {
  readonly header: HeaderName;
  readonly claim: ClaimPath;

  constructor(object: ConfigObject) {
    this.claim = ClaimPath.read(object, "claim");
    this.header = new HeaderName(ownHeaderName(object, "header"));
  }
}

/** Filter state that is set to a claim. */
@final
class ClaimState {
  readonly name: string;
  readonly claim: ClaimPath;
  readonly property: Property;

  constructor(object: ConfigObject) {
    this.claim = ClaimPath.read(object, "claim");
    const name = plainName(object, "state");
    this.name = name;
    this.property = new Property([`authz.claim.${name}`]);
  }
}

/** What of an identity goes where. */
@final
export class ClaimOutputs {
  /** Names of what is set, with where in the configuration they stand. */
  private headerNames: string[] = [];
  private headerFields: string[] = [];
  private stateNames: string[] = [];
  private stateFields: string[] = [];
  private headers: ClaimHeader[] = [];
  private states: ClaimState[] = [];
  private payloadHeader: HeaderName | null = null;
  private clearRouteCache: bool;

  constructor(object: ConfigObject) {
    const headers = object.objects("claimToHeaders");
    refuseEmpty(object, "claimToHeaders", headers.length);
    for (let i = 0; i < headers.length; ++i) {
      const header = new ClaimHeader(headers[i]);
      this.headers.push(header);
      this.addHeader(headers[i], "header", header.header.name);
    }
    if (object.has("payloadHeader")) {
      const header = new HeaderName(ownHeaderName(object, "payloadHeader"));
      this.payloadHeader = header;
      this.addHeader(object, "payloadHeader", header.name);
    }
    const states = object.objects("claimToState");
    refuseEmpty(object, "claimToState", states.length);
    for (let i = 0; i < states.length; ++i) {
      const state = new ClaimState(states[i]);
      this.states.push(state);
      this.stateNames.push(state.name);
      this.stateFields.push(states[i].pathOf("state"));
    }
    this.clearRouteCache = object.boolOr("clearRouteCache", false);
  }

  /** Adds what is set to what is set by others at the same time, and complains of what is set twice. */
  check(config: Config, headers: string[], states: string[]): void {
    addOnce(config, headers, this.headerNames, this.headerFields);
    addOnce(config, states, this.stateNames, this.stateFields);
  }

  /** Works out the values once, for all requests with the token. False for a claim that would end a header. */
  prepare(jwt: Jwt, identity: Identity): bool {
    const claims = jwt.claims;
    for (let i = 0; i < this.headers.length; ++i) {
      const claim = this.headers[i].claim.find(claims);
      const text: string | null = claim === null ? null : headerText(claim);
      const value: Bytes | null = text === null ? null : Bytes.utf8(text);
      if (value !== null && !isHeaderValue(value)) return false;
      identity.headerValues.push(value === null ? null : value.copy());
    }
    for (let i = 0; i < this.states.length; ++i) {
      const claim = this.states[i].claim.find(claims);
      identity.stateValues.push(claim === null ? null : Bytes.utf8(stateText(claim)).copy());
    }
    if (this.payloadHeader !== null) identity.payload = jwt.payload.copy();
    return true;
  }

  /** Sets the headers. False when the host failed to. */
  setHeaders(identity: Identity): bool {
    for (let i = 0; i < this.headers.length; ++i) {
      const value = unchecked(identity.headerValues[i]);
      if (value !== null && !setHeader(unchecked(this.headers[i]).header, value)) return false;
    }
    const payloadHeader = this.payloadHeader;
    const payload = identity.payload;
    if (payloadHeader !== null && payload !== null && !setHeader(payloadHeader, payload)) return false;
    // For filter state: writes to headers do it by themselves. A host that is not Envoy has no route cache.
    if (this.clearRouteCache) clearRouteCache();
    return true;
  }

  /** Sets the filter state. False when the host failed to. */
  setStates(identity: Identity): bool {
    for (let i = 0; i < this.states.length; ++i) {
      const value = unchecked(identity.stateValues[i]);
      if (value !== null && unchecked(this.states[i]).property.set(Bytes.of(value)) != Status.Ok) return false;
    }
    return true;
  }

  private addHeader(object: ConfigObject, field: string, name: string): void {
    this.headerNames.push(name);
    this.headerFields.push(object.pathOf(field));
  }
}

function addOnce(config: Config, all: string[], names: string[], fields: string[]): void {
  for (let i = 0; i < names.length; ++i) {
    if (names[i].length && all.includes(names[i])) config.error(fields[i], `"${names[i]}" is set by a claim before`);
    all.push(names[i]);
  }
}

export function setHeader(header: HeaderName, value: Uint8Array): bool {
  return requestHeaders.setBytes(header, Bytes.of(value)) == Status.Ok;
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

/** A text as it is, all else as JSON. */
function stateText(claim: JsonValue): string {
  return claim.kind == JsonKind.String ? claim.text : stringifyJson(claim);
}
