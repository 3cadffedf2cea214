// The configuration of the filter authz, as far as imports write it. Its reference is filters/authz/schema.json.

export type StringTest =
  | { readonly exact: string }
  | { readonly prefix: string }
  | { readonly suffix: string }
  | { readonly contains: string }
  | { readonly regex: string };

export type PathTest =
  | { readonly exact: string }
  | { readonly prefix: string }
  | { readonly startsWith: string }
  | { readonly suffix: string }
  | { readonly regex: string }
  | { readonly template: string };

export type ValueTest = StringTest | { readonly present: boolean };
export type NamedTest = { readonly name: string; readonly invert?: boolean } & ValueTest;

/** Where a claim stands, name within name. */
export type ClaimPath = string | readonly string[];
export type ClaimTest = { readonly claim: ClaimPath } & (
  | { readonly equals: string | boolean }
  /** An item of an array, or a word of a text. */
  | { readonly contains: string }
  | { readonly prefix: string }
  | { readonly suffix: string }
  | { readonly regex: string }
  | { readonly present: boolean }
);

export type PrincipalTest =
  | { readonly any: true }
  | { readonly anonymous: true }
  | { readonly provider: string }
  | { readonly issuer: string; readonly subject?: string }
  | { readonly peer: StringTest }
  | { readonly allOf: readonly PrincipalTest[] }
  | { readonly anyOf: readonly PrincipalTest[] }
  | { readonly not: PrincipalTest };

/** The conditions of which any value is enough, by field. */
export interface Lists {
  readonly methods: string;
  readonly hosts: string;
  readonly ports: number;
  readonly paths: PathTest;
  readonly sources: string;
  readonly peers: string;
  readonly principals: PrincipalTest;
}

export type Action = "allow" | "deny" | "audit" | "external";

type ListFields = { readonly [Field in keyof Lists]?: readonly Lists[Field][] };

export interface Rule extends ListFields {
  readonly name: string;
  readonly action: Action;
  readonly authorizer?: string;
  readonly shadow?: true;
  readonly query?: readonly NamedTest[];
  readonly headers?: readonly NamedTest[];
  readonly claims?: readonly ClaimTest[];
  readonly when?: readonly string[];
  readonly not?: ListFields & { readonly claims?: readonly ClaimTest[] };
}

export interface JwtProvider {
  readonly name: string;
  readonly issuer: string;
  readonly audiences?: readonly string[];
  readonly subjects?: readonly StringTest[];
  readonly localJwks?: object;
  readonly remoteJwks?: object;
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly forward?: boolean;
  readonly payloadHeader?: string;
  readonly clockSkew?: string;
  readonly requireExpiration?: boolean;
  readonly maxLifetime?: string;
  readonly onFailure?: "ignore";
  readonly claimToHeaders?: readonly { readonly claim: ClaimPath; readonly header: string }[];
  readonly clearRouteCache?: boolean;
}

export interface Configuration {
  readonly jwtProviders?: readonly JwtProvider[];
  readonly evaluation: "precedence";
  readonly rules: readonly Rule[];
}
