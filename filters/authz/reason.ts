// Why a request does not pass.

export enum Reason {
  /** It passes. */
  None,
  /** The path has no one meaning; see `request-path.ts`. */
  BadPath,
  MissingCredentials,
  BadApiKey,
  /** An unknown user or a wrong password, or more than one of them. */
  BadPassword,
  /** More than one token, or a header with a credential more than once. */
  TooManyTokens,
  TokenMalformed,
  TokenUnknownIssuer,
  TokenAlgorithm,
  /** No key of the provider has the token's key id. */
  TokenUnknownKey,
  TokenSignature,
  TokenExpired,
  TokenNotYetValid,
  TokenAudience,
  TokenSubject,
  /** Another `typ` than the provider asks for. */
  TokenType,
  /** More time from `iat` to `exp` than the provider allows. */
  TokenLifetime,
  /** A claim that is missing, of the wrong type, or not fit to become a header. */
  TokenClaim,
  /** The keys of the token's issuer were not there in time. */
  KeysUnavailable,
  /** The host could not do what it was asked. */
  Unavailable,
  /** A `deny` rule matched. */
  Rule,
  /** No rule matched. */
  NoRule,
  /** An authorizer said no. */
  External,
  /** No answer of the authorizer could be had. */
  ExternalUnavailable,
  /** The authorizer answered with what is no decision. */
  ExternalBadAnswer,
}

/** The reasons as metrics, log and access log call them, in the order of `Reason`. */
export const REASONS: string[] = [
  "",
  "bad_path",
  "missing_credentials",
  "bad_api_key",
  "bad_password",
  "too_many_tokens",
  "token_malformed",
  "token_unknown_issuer",
  "token_algorithm",
  "token_unknown_key",
  "token_signature",
  "token_expired",
  "token_not_yet_valid",
  "token_audience",
  "token_subject",
  "token_type",
  "token_lifetime",
  "token_claim",
  "keys_unavailable",
  "unavailable",
  "rule",
  "no_rule",
  "external",
  "external_unavailable",
  "external_bad_answer",
];

/** Whether a token was given that is not good. */
export function isBadToken(reason: Reason): bool {
  return reason >= Reason.TooManyTokens && reason <= Reason.TokenClaim;
}
