import type { Case, Suite } from "./suite.ts";

const [v1, v2] = ["infra-backend-v1", "infra-backend-v2"];
const to = (version: 1 | 2): string => `backendRefs: [{ name: infra-backend-v${String(version)}, port: 8080 }]`;

const redirects = (rules: Readonly<Record<string, string>>): string =>
  `  rules:${Object.entries(rules)
    .map(
      ([path, redirect]) => `
    - matches: [{ path: { value: ${path} } }]
      filters: [{ type: RequestRedirect, requestRedirect: { ${redirect} } }]`,
    )
    .join("")}`;

const redirected = (path: string, location: string, status = 302): Case => ({ path, status, response: { location } });

const prefix = (value: string): string => `path: { type: ReplacePrefixMatch, replacePrefixMatch: ${value} }`;
const full = (value: string): string => `path: { type: ReplaceFullPath, replaceFullPath: ${value} }`;

const modifier = `
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set: [{ name: X-Header-Set, value: set-overwrites-values }]
            add: [{ name: X-Header-Add, value: header-val-1 }, { name: X-Header-Add-Append, value: header-val-2 }]
            remove: [X-Header-Remove]`;
const before = { "x-header-remove": "remove-val", "x-header-add-append": "append-val-1", "x-header-set": "set-val" };
const after = {
  "x-header-add": "header-val-1",
  "x-header-add-append": "append-val-1,header-val-2",
  "x-header-set": "set-overwrites-values",
  "x-header-remove": undefined,
};

/** HTTPPathModifier, the table of ReplacePrefixMatch. */
const prefixTable: [path: string, match: string, replacement: string, result: string][] = [
  ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
  ["/foo", "/foo", "/xyz", "/xyz"],
  ["/foo/", "/foo", "/xyz", "/xyz/"],
  ["/foo/bar", "/foo", '""', "/bar"],
  ["/foo/", "/foo", '""', "/"],
  ["/foo", "/foo", '""', "/"],
  ["/foo/", "/foo", "/", "/"],
  ["/foo", "/foo", "/", "/"],
  // Not in the table: the prefix that takes everything, and the query, which stays.
  ["/bar", "/", "/xyz", "/xyz/bar"],
  ["/bar", "/", "/", "/bar"],
  ["/foo/bar?q=1", "/foo", "/xyz", "/xyz/bar?q=1"],
  ["/foo?q=/foo", "/foo", "/", "/?q=/foo"],
];

const half = (from: number): Suite => {
  const rows = prefixTable.slice(from, from + 8).map((row, index) => ({ row, mark: `m${String(from + index)}` }));
  const name = `prefix-table-${String(from)}`;
  return {
    name,
    conformance: [`HTTPPathModifier, table from row ${String(from)}`],
    routes: {
      [name]: `  rules:${rows
        .map(
          ({ row: [, match, replacement], mark }) => `
    - matches: [{ path: { value: ${match} }, headers: [{ name: x-row, value: ${mark} }] }]
      filters: [{ type: URLRewrite, urlRewrite: { ${prefix(replacement)} } }]
      ${to(1)}
    - matches: [{ path: { value: ${match} }, headers: [{ name: x-redirected, value: ${mark} }] }]
      filters: [{ type: RequestRedirect, requestRedirect: { ${prefix(replacement)} } }]`,
        )
        .join("")}`,
    },
    cases: rows.flatMap(({ row: [path, , , result], mark }): Case[] => [
      { path, headers: { "x-row": mark }, seen: { path: result } },
      { path, headers: { "x-redirected": mark }, status: 302, response: { location: `http://${name}${result}` } },
    ]),
  };
};

/** Where requests are sent on to, and where clients are sent. */
export const httpAddresses: readonly Suite[] = [
  {
    name: "redirect-host",
    conformance: ["HTTPRouteRedirectHostAndStatus"],
    routes: {
      "redirect-host": redirects({
        "/hostname-redirect": "hostname: example.org",
        "/host-and-status": "hostname: example.org, statusCode: 301",
      }),
    },
    cases: [
      redirected("/hostname-redirect", "http://example.org/hostname-redirect"),
      redirected("/host-and-status", "http://example.org/host-and-status", 301),
    ],
  },
  {
    name: "redirect-path",
    conformance: ["HTTPRouteRedirectPath"],
    routes: {
      "redirect-path": redirects({
        "/original-prefix": prefix("/replacement-prefix"),
        "/full": full("/full-path-replacement"),
        "/path-and-host": `hostname: example.org, ${prefix("/replacement-prefix")}`,
        "/path-and-status": `statusCode: 301, ${prefix("/replacement-prefix")}`,
        "/full-path-and-host": `hostname: example.org, ${full("/replacement-full")}`,
        "/full-path-and-status": `statusCode: 301, ${full("/replacement-full")}`,
      }),
    },
    cases: [
      redirected("/original-prefix/lemon", "http://redirect-path/replacement-prefix/lemon"),
      redirected("/full/path/original", "http://redirect-path/full-path-replacement"),
      redirected("/path-and-host", "http://example.org/replacement-prefix"),
      redirected("/path-and-status", "http://redirect-path/replacement-prefix", 301),
      redirected("/full-path-and-host", "http://example.org/replacement-full"),
      redirected("/full-path-and-status", "http://redirect-path/replacement-full", 301),
    ],
  },
  {
    name: "redirect-port",
    conformance: ["HTTPRouteRedirectPort", "HTTPRouteRedirectScheme", "HTTPRouteRedirectPortAndScheme"],
    routes: {
      "redirect-port": redirects({
        "/port": "port: 8083",
        "/port-and-host": "hostname: example.org, port: 8083",
        "/port-and-status": "port: 8083, statusCode: 301",
        "/port-and-host-and-status": "hostname: example.org, port: 8083, statusCode: 302",
        "/scheme-nil-and-port-nil": "hostname: example.org",
        "/scheme-nil-and-port-80": "hostname: example.org, port: 80",
        "/scheme-nil-and-port-8080": "hostname: example.org, port: 8080",
        "/scheme-https-and-port-nil": "hostname: example.org, scheme: https",
        "/scheme-https-and-port-443": "hostname: example.org, scheme: https, port: 443",
        "/scheme-https-and-port-8443": "hostname: example.org, scheme: https, port: 8443",
        "/scheme-http-and-port-8080": "hostname: example.org, scheme: http, port: 8080",
        "/scheme-and-status": "hostname: example.org, scheme: https, statusCode: 301",
      }),
    },
    cases: [
      redirected("/port", "http://redirect-port:8083/port"),
      redirected("/port-and-host", "http://example.org:8083/port-and-host"),
      redirected("/port-and-status", "http://redirect-port:8083/port-and-status", 301),
      redirected("/port-and-host-and-status", "http://example.org:8083/port-and-host-and-status"),
      redirected("/scheme-nil-and-port-nil", "http://example.org/scheme-nil-and-port-nil"),
      redirected("/scheme-nil-and-port-80", "http://example.org/scheme-nil-and-port-80"),
      redirected("/scheme-nil-and-port-8080", "http://example.org:8080/scheme-nil-and-port-8080"),
      redirected("/scheme-https-and-port-nil", "https://example.org/scheme-https-and-port-nil"),
      redirected("/scheme-https-and-port-443", "https://example.org/scheme-https-and-port-443"),
      redirected("/scheme-https-and-port-8443", "https://example.org:8443/scheme-https-and-port-8443"),
      redirected("/scheme-http-and-port-8080", "http://example.org:8080/scheme-http-and-port-8080"),
      redirected("/scheme-and-status", "https://example.org/scheme-and-status", 301),
    ],
  },
  {
    name: "redirect-status",
    conformance: ["HTTPRoute303Redirect", "HTTPRoute307Redirect", "HTTPRoute308Redirect"],
    routes: {
      "redirect-status": redirects({
        "/see-other": "statusCode: 303, hostname: example.org",
        "/temporary": "statusCode: 307, hostname: example.org",
        "/permanent": "statusCode: 308, hostname: example.org",
      }),
    },
    cases: [
      { method: "POST", ...redirected("/see-other", "http://example.org/see-other", 303) },
      { method: "POST", ...redirected("/temporary", "http://example.org/temporary", 307) },
      { method: "POST", ...redirected("/permanent", "http://example.org/permanent", 308) },
    ],
  },
  {
    name: "rewrite-host",
    conformance: ["HTTPRouteRewriteHost"],
    routes: {
      "rewrite-host": `
  hostnames: [rewrite.example]
  rules:
    - { matches: [{ path: { value: /one } }], filters: [{ type: URLRewrite, urlRewrite: { hostname: one.example.org } }], ${to(1)} }
    - { filters: [{ type: URLRewrite, urlRewrite: { hostname: example.org } }], ${to(2)} }
    - matches: [{ path: { value: /rewrite-host-and-modify-headers } }]
      filters:
        - { type: URLRewrite, urlRewrite: { hostname: test.example.org } }${modifier}
      ${to(2)}`,
    },
    cases: [
      { host: "rewrite.example", path: "/one", backend: v1, seen: { path: "/one", host: "one.example.org" } },
      { host: "rewrite.example", path: "/two", backend: v2, seen: { path: "/two", host: "example.org" } },
      {
        host: "rewrite.example",
        path: "/rewrite-host-and-modify-headers",
        headers: before,
        backend: v2,
        seen: { path: "/rewrite-host-and-modify-headers", host: "test.example.org", headers: after },
      },
    ],
  },
  {
    name: "rewrite-path",
    conformance: ["HTTPRouteRewritePath"],
    routes: {
      "rewrite-path": `
  rules:
    - { matches: [{ path: { value: /prefix/one } }], filters: [{ type: URLRewrite, urlRewrite: { ${prefix("/one")} } }], ${to(1)} }
    - { matches: [{ path: { value: /strip-prefix } }], filters: [{ type: URLRewrite, urlRewrite: { ${prefix("/")} } }], ${to(1)} }
    - { matches: [{ path: { value: /full/one } }], filters: [{ type: URLRewrite, urlRewrite: { ${full("/one")} } }], ${to(1)} }
    - matches: [{ path: { value: /full/rewrite-path-and-modify-headers } }]
      filters:
        - { type: URLRewrite, urlRewrite: { ${full("/test")} } }${modifier}
      ${to(1)}
    - matches: [{ path: { value: /prefix/rewrite-path-and-modify-headers } }]
      filters:
        - { type: URLRewrite, urlRewrite: { ${prefix("/prefix")} } }${modifier}
      ${to(1)}`,
    },
    cases: [
      { path: "/prefix/one/two", backend: v1, seen: { path: "/one/two" } },
      { path: "/strip-prefix/three", backend: v1, seen: { path: "/three" } },
      { path: "/strip-prefix", backend: v1, seen: { path: "/" } },
      { path: "/full/one/two", backend: v1, seen: { path: "/one" } },
      { path: "/full/one/two?q=1", backend: v1, seen: { path: "/one?q=1" } },
      {
        path: "/full/rewrite-path-and-modify-headers/test",
        headers: before,
        seen: { path: "/test", headers: after },
      },
      {
        path: "/prefix/rewrite-path-and-modify-headers/one",
        headers: before,
        seen: { path: "/prefix/one", headers: after },
      },
    ],
  },
  {
    name: "backend-addresses",
    conformance: ["HTTPRouteBackendURLRewrite", "HTTPRouteBackendRequestRedirect"],
    routes: {
      "backend-addresses": `
  rules:
    - matches: [{ path: { value: /full } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080, filters: [{ type: URLRewrite, urlRewrite: { ${full("/rewritten-full")} } }] }]
    - matches: [{ path: { value: /prefix } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080, filters: [{ type: URLRewrite, urlRewrite: { ${prefix("/rewritten-prefix")} } }] }]
    - matches: [{ path: { value: /redirect-full } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080, filters: [{ type: RequestRedirect, requestRedirect: { ${full("/redirected-full")} } }] }]
    - matches: [{ path: { value: /redirect-prefix } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080, filters: [{ type: RequestRedirect, requestRedirect: { ${prefix("/redirected-prefix")} } }] }]`,
    },
    cases: [
      { path: "/full/original", backend: v1, seen: { path: "/rewritten-full" } },
      { path: "/prefix/original", backend: v1, seen: { path: "/rewritten-prefix/original" } },
      redirected("/redirect-full/original", "http://backend-addresses/redirected-full"),
      redirected("/redirect-prefix/original", "http://backend-addresses/redirected-prefix/original"),
    ],
  },
  half(0),
  half(8),
];
