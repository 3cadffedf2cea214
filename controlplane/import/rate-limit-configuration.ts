// The configuration of the filter ratelimit, as far as imports write it. Its reference is filters/ratelimit/schema.json.

import type { StringTest, ValueTest } from "./configuration.ts";

export type RequestValue =
  | { readonly header: string }
  | { readonly query: string }
  | { readonly clientAddress: { readonly ipv4Prefix?: number; readonly ipv6Prefix?: number } }
  | { readonly clusterName: object }
  | { readonly routeName: object }
  | { readonly property: readonly string[] }
  | { readonly metadata: readonly string[] }
  | { readonly routeMetadata: readonly string[] };

export type KeyPart = (RequestValue & { readonly default?: string }) | { readonly constant: string };
export type HeaderTest = { readonly name: string } & ValueTest;

/** Conditions on a request, all of which must hold. */
export interface RequestMatch {
  readonly headers?: readonly HeaderTest[];
  readonly values?: readonly ({ readonly value: RequestValue } & (StringTest | { readonly present: boolean }))[];
}

export interface TokenBucket {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillInterval: string;
}

export interface FixedWindow {
  readonly requests: number;
  readonly window: string;
}

export type Limit = {
  readonly name: string;
  readonly key?: readonly KeyPart[];
  readonly missingKey?: "skip";
  readonly match?: RequestMatch;
  readonly except?: readonly RequestMatch[];
  readonly cost?: { readonly hits: number };
  readonly mode?: "shadow";
} & (
  | { readonly tokenBucket: TokenBucket }
  | { readonly fixedWindow: FixedWindow }
  | {
      readonly scope: "fleet";
      readonly fixedWindow: FixedWindow;
      readonly leases: { readonly domain: string; readonly names?: readonly string[] };
    }
  | { readonly scope: "service"; readonly names: readonly string[] }
);

export interface RateLimitConfiguration {
  readonly service?: {
    readonly cluster: string;
    readonly domain: string;
    readonly timeoutMilliseconds?: number;
    readonly onFailure: "allow" | "deny";
    readonly errorStatus?: number;
  };
  readonly limits: readonly Limit[];
  readonly headers: "x-ratelimit" | "none";
  readonly response: {
    readonly status: number;
    readonly body: string;
    readonly grpcStatus: "UNAVAILABLE" | "RESOURCE_EXHAUSTED";
    readonly headers?: readonly { readonly name: string; readonly value: string }[];
  };
}
