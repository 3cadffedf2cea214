// The types of HTTPRoutes and GRPCRoutes: the JSON Schemas of schemas/, with defaults filled in.

interface RouteSpec<Rule> {
  readonly parentRefs: readonly ParentRef[];
  readonly hostnames: readonly string[];
  readonly rules: readonly Rule[];
}

export type HTTPRouteSpec = RouteSpec<HTTPRouteRule>;
export type GRPCRouteSpec = RouteSpec<GRPCRouteRule>;

export interface ParentRef {
  readonly name: string;
  readonly port?: number;
  readonly sectionName?: string;
}

/** What both kinds of rules have; only those of HTTPRoutes have timeouts and retries. */
export interface RouteRule {
  readonly name?: string;
  readonly filters: readonly RouteFilter[];
  readonly backendRefs: readonly BackendRef[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly retry?: Retry;
  readonly sessionPersistence?: SessionPersistence;
}

export interface HTTPRouteRule extends RouteRule {
  readonly matches: readonly HTTPRouteMatch[];
}

export interface GRPCRouteRule extends RouteRule {
  readonly matches: readonly GRPCRouteMatch[];
}

export interface HTTPRouteMatch {
  readonly path: { readonly type: "Exact" | "PathPrefix" | "RegularExpression"; readonly value: string };
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
  readonly method?: string;
}

export interface GRPCRouteMatch {
  readonly method?: GRPCMethodMatch;
  readonly headers: readonly ValueMatch[];
}

export interface GRPCMethodMatch {
  readonly type: "Exact" | "RegularExpression";
  readonly service?: string;
  readonly method?: string;
}

/** A match on a header or a query parameter. */
export interface ValueMatch {
  readonly type: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

/** A Service by its name and port. */
export interface ServiceRef {
  readonly name: string;
  readonly port: number;
}

export interface BackendRef extends ServiceRef {
  readonly weight: number;
  readonly filters: readonly RouteFilter[];
}

export type RouteFilter =
  | { readonly type: "RequestHeaderModifier"; readonly requestHeaderModifier: HeaderModifier }
  | { readonly type: "ResponseHeaderModifier"; readonly responseHeaderModifier: HeaderModifier }
  | { readonly type: "RequestMirror"; readonly requestMirror: RequestMirror }
  | { readonly type: "RequestRedirect"; readonly requestRedirect: RequestRedirect }
  | { readonly type: "URLRewrite"; readonly urlRewrite: URLRewrite }
  | { readonly type: "CORS"; readonly cors: CORS };

export interface HeaderModifier {
  readonly set: readonly Header[];
  readonly add: readonly Header[];
  readonly remove: readonly string[];
}

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface RequestMirror {
  readonly backendRef: ServiceRef;
  readonly percent?: number;
  readonly fraction?: { readonly numerator: number; readonly denominator: number };
}

export interface RequestRedirect {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly path?: PathModifier;
  readonly port?: number;
  readonly statusCode: 301 | 302 | 303 | 307 | 308;
}

export interface URLRewrite {
  readonly hostname?: string;
  readonly path?: PathModifier;
}

export type PathModifier =
  | { readonly type: "ReplaceFullPath"; readonly replaceFullPath: string }
  | { readonly type: "ReplacePrefixMatch"; readonly replacePrefixMatch: string };

export interface CORS {
  readonly allowOrigins: readonly string[];
  readonly allowCredentials: boolean;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAge: number;
}

export interface Retry {
  readonly codes: readonly number[];
  readonly attempts: number;
  readonly backoff?: string;
}

export interface SessionPersistence {
  readonly type: "Cookie" | "Header";
  readonly absoluteTimeout?: string;
  readonly cookie?: { readonly name?: string; readonly path: string; readonly lifetimeType: "Session" | "Permanent" };
  readonly header?: { readonly name?: string };
}
