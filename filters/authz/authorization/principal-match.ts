import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { StringMatch, TextTest } from "../../common/string-match";
import { refuseEmpty } from "../../common/lists";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { Key, KeyKind, hashBytes, hashText } from "./key";
import { RequestView } from "./request-view";

export enum PrincipalTest {
  /** Everybody, with credentials or without. */
  Any,
  /** Whoever has a good credential. */
  Authenticated,
  /** Whoever gave none. */
  Anonymous,
  ApiKey,
  Issuer,
  /** Who has a token of a provider, by its name. */
  Provider,
  /** Who has given the password of a user. */
  User,
  /** Who has a certificate with a URI. */
  Peer,
  /** Who has one with a DNS name. */
  PeerDns,
  /** Who has one with a subject. */
  PeerSubject,
  AllOf,
  AnyOf,
  Not,
}

/** The fields that stand for the tests, in their order. */
const PRINCIPAL_TESTS: string[] = [
  "any",
  "authenticated",
  "anonymous",
  "apiKey",
  "issuer",
  "provider",
  "user",
  "peer",
  "peerDns",
  "peerSubject",
  "allOf",
  "anyOf",
  "not",
];

/** A condition on the caller. */
@final
export class PrincipalMatch {
  private name: string = "";
  private subject: string | null = null;
  private text: StringMatch | null = null;
  readonly parts: PrincipalMatch[] = [];

  constructor(readonly test: PrincipalTest) {}

  static read(object: ConfigObject): PrincipalMatch {
    const index = object.alternative(PRINCIPAL_TESTS);
    if (index < 0) return new PrincipalMatch(PrincipalTest.Anonymous);
    const match = new PrincipalMatch(index);
    const field = PRINCIPAL_TESTS[index];
    switch (index) {
      case PrincipalTest.ApiKey:
      case PrincipalTest.Issuer:
      case PrincipalTest.Provider:
      case PrincipalTest.User:
        match.name = object.string(field);
        break;
      case PrincipalTest.Peer:
      case PrincipalTest.PeerDns:
      case PrincipalTest.PeerSubject:
        match.text = StringMatch.read(object.object(field));
        break;
      case PrincipalTest.AllOf:
      case PrincipalTest.AnyOf: {
        const parts = object.objects(field);
        refuseEmpty(object, field, parts.length);
        for (let i = 0; i < parts.length; ++i) match.parts.push(PrincipalMatch.read(parts[i]));
        break;
      }
      case PrincipalTest.Not:
        match.parts.push(PrincipalMatch.read(object.object(field)));
        break;
      default:
        if (!object.boolOr(field, false)) object.error(field, "true");
        break;
    }
    if (index == PrincipalTest.Issuer && object.has("subject")) match.subject = object.string("subject");
    return match;
  }

  /** The API key that is asked for, or the empty string. */
  get apiKey(): string {
    return this.test == PrincipalTest.ApiKey ? this.name : "";
  }

  /** The user that is asked for, or the empty string. */
  get user(): string {
    return this.test == PrincipalTest.User ? this.name : "";
  }

  /** The issuer that is asked for, or the empty string. */
  get issuer(): string {
    return this.test == PrincipalTest.Issuer ? this.name : "";
  }

  /** The name of the provider that is asked for, or the empty string. */
  get provider(): string {
    return this.test == PrincipalTest.Provider ? this.name : "";
  }

  /** Adds this and all that it is made of. */
  addTo(list: PrincipalMatch[]): void {
    list.push(this);
    for (let i = 0; i < this.parts.length; ++i) this.parts[i].addTo(list);
  }

  matches(request: RequestView, caller: Caller): bool {
    switch (this.test) {
      case PrincipalTest.Any:
        return true;
      case PrincipalTest.Authenticated:
        return !caller.isAnonymous;
      case PrincipalTest.Anonymous:
        return caller.isAnonymous;
      case PrincipalTest.ApiKey: {
        const apiKey = caller.apiKey;
        return apiKey !== null && apiKey.name == this.name;
      }
      case PrincipalTest.Issuer: {
        const subject = this.subject;
        for (let i = 0; i < caller.identities.length; ++i) {
          const identity = unchecked(caller.identities[i]);
          if (identity.provider.issuer == this.name) return subject === null || identity.subject == subject;
        }
        return false;
      }
      case PrincipalTest.Provider: {
        for (let i = 0; i < caller.identities.length; ++i) {
          if (unchecked(caller.identities[i]).provider.name == this.name) return true;
        }
        return false;
      }
      case PrincipalTest.Peer:
        return this.matchesText(request.peerUri());
      case PrincipalTest.PeerDns:
        return this.matchesText(request.peerDns());
      case PrincipalTest.PeerSubject:
        return this.matchesText(request.peerSubject());
      case PrincipalTest.User: {
        const user = caller.user;
        return user !== null && user.name == this.name;
      }
      case PrincipalTest.AllOf:
        return this.matching(request, caller) == this.parts.length;
      case PrincipalTest.AnyOf:
        return this.matching(request, caller) > 0;
      default:
        return this.matching(request, caller) == 0;
    }
  }

  private matchesText(text: Bytes | null): bool {
    const match = this.text;
    return text !== null && text.size > 0 && match !== null && match.matches(text);
  }

  addKeys(keys: Key[]): bool {
    switch (this.test) {
      case PrincipalTest.ApiKey:
        keys.push(new Key(KeyKind.ApiKey, hashText(KeyKind.ApiKey, this.name)));
        return true;
      case PrincipalTest.Issuer:
        keys.push(new Key(KeyKind.Issuer, issuerHash(this.name, this.subject)));
        return true;
      case PrincipalTest.User:
        keys.push(new Key(KeyKind.User, hashText(KeyKind.User, this.name)));
        return true;
      case PrincipalTest.Provider:
        keys.push(new Key(KeyKind.Provider, hashText(KeyKind.Provider, this.name)));
        return true;
      case PrincipalTest.Peer:
        return this.addTextKey(KeyKind.PeerUri, keys);
      case PrincipalTest.PeerDns:
        return this.addTextKey(KeyKind.PeerDns, keys);
      case PrincipalTest.PeerSubject:
        return this.addTextKey(KeyKind.PeerSubject, keys);
      case PrincipalTest.AnyOf:
        return addAllKeys(this.parts, keys);
      case PrincipalTest.AllOf:
        // The keys of any part will do.
        for (let i = 0; i < this.parts.length; ++i) {
          const before = keys.length;
          if (this.parts[i].addKeys(keys)) return true;
          keys.length = before;
        }
        return false;
      default:
        return false;
    }
  }

  private addTextKey(kind: KeyKind, keys: Key[]): bool {
    const match = this.text;
    if (match === null || match.test != TextTest.Exact) return false;
    keys.push(new Key(kind, hashBytes(kind, Bytes.utf8(match.text))));
    return true;
  }

  private matching(request: RequestView, caller: Caller): i32 {
    let count = 0;
    for (let i = 0; i < this.parts.length; ++i) count += i32(unchecked(this.parts[i]).matches(request, caller));
    return count;
  }
}

/** One of several principals. */
@final
export class PrincipalsCondition extends Condition {
  constructor(readonly principals: PrincipalMatch[]) {
    super("principals");
  }

  static read(object: ConfigObject): PrincipalsCondition {
    const objects = object.objects("principals");
    refuseEmpty(object, "principals", objects.length);
    const principals: PrincipalMatch[] = [];
    for (let i = 0; i < objects.length; ++i) principals.push(PrincipalMatch.read(objects[i]));
    return new PrincipalsCondition(principals);
  }

  /** Whether it is one that everybody meets. */
  get isAny(): bool {
    return this.principals.length == 1 && this.principals[0].test == PrincipalTest.Any;
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    for (let i = 0; i < this.principals.length; ++i) {
      if (unchecked(this.principals[i]).matches(request, caller)) return true;
    }
    return false;
  }

  addKeys(keys: Key[]): bool {
    return addAllKeys(this.principals, keys);
  }
}

/** Of an issuer, or of one of its subjects. */
export function issuerHash(issuer: string, subject: string | null): u64 {
  const hash = hashText(KeyKind.Issuer, issuer);
  return subject === null ? hash : (hash ^ hashText(KeyKind.ApiKey, subject)) | 1;
}

function addAllKeys(principals: PrincipalMatch[], keys: Key[]): bool {
  for (let i = 0; i < principals.length; ++i) {
    if (!principals[i].addKeys(keys)) return false;
  }
  return true;
}
