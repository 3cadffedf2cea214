import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { Caller } from "../authentication/caller";

export enum PrincipalTest {
  /** Everybody, with credentials or without. */
  Any,
  /** Whoever has a good credential. */
  Authenticated,
  /** Whoever gave none. */
  Anonymous,
  ApiKey,
  Issuer,
}

/** The fields that stand for the tests, in their order. */
const PRINCIPAL_TESTS: string[] = ["any", "authenticated", "anonymous", "apiKey", "issuer"];

/** A condition on the caller. */
@final
export class PrincipalMatch {
  private name: string = "";
  private subject: string | null = null;

  constructor(readonly test: PrincipalTest) {}

  static read(object: ConfigObject): PrincipalMatch {
    const index = object.alternative(PRINCIPAL_TESTS);
    if (index < 0) return new PrincipalMatch(PrincipalTest.Anonymous);
    const match = new PrincipalMatch(index);
    const field = PRINCIPAL_TESTS[index];
    if (index == PrincipalTest.ApiKey || index == PrincipalTest.Issuer) match.name = object.string(field);
    else if (!object.boolOr(field, false)) object.error(field, "true");
    if (index == PrincipalTest.Issuer && object.has("subject")) match.subject = object.string("subject");
    return match;
  }

  /** The API key that is asked for, or the empty string. */
  get apiKey(): string {
    return this.test == PrincipalTest.ApiKey ? this.name : "";
  }

  /** The issuer that is asked for, or the empty string. */
  get issuer(): string {
    return this.test == PrincipalTest.Issuer ? this.name : "";
  }

  matches(caller: Caller): bool {
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
      default: {
        const identity = caller.identity;
        if (identity === null || identity.provider.issuer != this.name) return false;
        const subject = this.subject;
        return subject === null || identity.subject == subject;
      }
    }
  }
}
