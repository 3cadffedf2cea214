// The configuration of the filter ratelimit, as far as imports write it. Its reference is filters/ratelimit/schema.json.

import type { StringTest, ValueTest } from "./configuration.ts";

export type RequestValue =
  | { readonly header: string }
  | { readonly query: string }
  | { readonly clientAddress: { readonly ipv4Prefix?: number; readonly ipv6Prefix?: number } }
  | { readonly clusterName: object }
  | { readonly routeName: object }
  | { readonly metadata: readonly string[] }
  | { readonly routeMetadata: readonly string[] };

export type KeyPart = RequestValue & { readonly default?: string };
export type HeaderTest = { readonly name: string } & ValueTest;

/** Conditions on a request, all of which must hold. */
export interface RequestMatch {
  readonly headers?: readonly HeaderTest[];
  readonly values?: readonly ({ readonly value: RequestValue } & (StringTest | { readonly present: boolean }))[];
  readonly clientAddress?: { readonly ranges: readonly string[] };
}

export interface TokenBucket {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillInterval: string;
}

export interface Limit {
  readonly name: string;
  readonly tokenBucket: TokenBucket;
  readonly key?: readonly KeyPart[];
  readonly missingKey?: "skip";
  readonly match?: RequestMatch;
  readonly except?: readonly RequestMatch[];
  readonly cost?: { readonly hits: number };
  readonly mode?: "shadow";
}

export interface RateLimitConfiguration {
  readonly limits: readonly Limit[];
  readonly headers: "x-ratelimit" | "none";
  readonly response: {
    readonly status: number;
    readonly body: string;
    readonly grpcStatus: "UNAVAILABLE" | "RESOURCE_EXHAUSTED";
    readonly headers?: readonly { readonly name: string; readonly value: string }[];
  };
}
