import type { Case, Suite } from "./suite.ts";

const to = (version: 1 | 2 | 3): string =>
  `backendRefs: [{ name: grpc-infra-backend-v${String(version)}, port: 8080 }]`;
const [v1, v2, v3] = ["grpc-infra-backend-v1", "grpc-infra-backend-v2", "grpc-infra-backend-v3"];

const service = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho";
const echo = `/${service}/Echo`;
const unimplemented = 12;
const unavailable = 14;

const version = (value: string): string => `headers: [{ name: version, value: ${value} }]`;
const color = (value: string): string => `headers: [{ name: color, value: ${value} }]`;

const methods = `
  rules:
    - { name: named-rule, matches: [{ method: { service: ${service}, method: Echo } }], ${to(1)} }
    - { matches: [{ method: { service: ${service}, method: EchoTwo } }], ${to(2)} }`;

export const grpc: readonly Suite[] = [
  {
    name: "grpc-methods",
    kind: "GRPCRoute",
    conformance: ["GRPCExactMethodMatching", "GRPCRouteNamedRule"],
    routes: { "grpc-methods": methods },
    cases: [
      { path: echo, backend: v1 },
      { path: `/${service}/EchoTwo`, backend: v2 },
      { path: `/${service}/EchoThree`, status: unimplemented },
    ],
  },
  {
    name: "grpc-headers",
    kind: "GRPCRoute",
    conformance: ["GRPCRouteHeaderMatching"],
    routes: {
      "grpc-headers": `
  rules:
    - { matches: [{ ${version("one")} }], ${to(1)} }
    - { matches: [{ ${version("two")} }], ${to(2)} }
    - { matches: [{ headers: [{ name: version, value: two }, { name: color, value: orange }] }], ${to(1)} }
    - { matches: [{ ${color("blue")} }, { ${color("green")} }], ${to(1)} }
    - { matches: [{ ${color("red")} }, { ${color("yellow")} }], ${to(2)} }`,
    },
    cases: [
      { headers: { version: "one" }, backend: v1 },
      { headers: { version: "two" }, backend: v2 },
      { headers: { version: "two", color: "orange" }, backend: v1 },
      { headers: { version: "two", color: "blue" }, backend: v2 },
      { headers: { color: "orange" }, status: unimplemented },
      { headers: { "some-other-header": "one" }, status: unimplemented },
      { headers: { color: "blue" }, backend: v1 },
      { headers: { color: "green" }, backend: v1 },
      { headers: { color: "red" }, backend: v2 },
      { headers: { color: "yellow" }, backend: v2 },
      { headers: { color: "purple" }, status: unimplemented },
    ].map((test): Case => ({ ...test, path: echo })),
  },
  {
    name: "grpc-hosts",
    kind: "GRPCRoute",
    conformance: ["GRPCRouteListenerHostnameMatching"],
    routes: {
      "grpc-bar-com": `
  hostnames: [grpc-bar.com]
  rules: [{ ${to(1)} }]`,
      "grpc-foo-bar-com": `
  hostnames: [foo.grpc-bar.com]
  rules: [{ ${to(2)} }]`,
      "grpc-any-bar-com": `
  hostnames: ["*.grpc-bar.com", "*.grpc-foo.com"]
  rules: [{ ${to(3)} }]`,
    },
    cases: [
      { host: "grpc-bar.com", backend: v1 },
      { host: "foo.grpc-bar.com", backend: v2 },
      { host: "baz.grpc-bar.com", backend: v3 },
      { host: "multiple.prefixes.grpc-bar.com", backend: v3 },
      { host: "multiple.prefixes.grpc-foo.com", backend: v3 },
      { host: "grpc-foo.com", status: unimplemented },
      { host: "no.matching.grpc-host", status: unimplemented },
    ].map((test): Case => ({ ...test, path: echo })),
  },
  {
    name: "grpc-modifier",
    kind: "GRPCRoute",
    conformance: ["GRPCRouteRequestHeaderModifier"],
    routes: {
      "grpc-modifier": `
  rules:
    - matches: [{ method: { service: ${service}, method: EchoTwo } }]
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set: [{ name: X-Header-Set-1, value: header-set-1 }, { name: X-Header-Set-2, value: header-set-2 }]
            add: [{ name: X-Header-Add-1, value: header-add-1 }, { name: X-Header-Add-2, value: header-add-2 }]
            remove: [X-Header-Remove-1, X-Header-Remove-2]
      ${to(2)}`,
    },
    cases: [
      {
        path: `/${service}/EchoTwo`,
        headers: {
          "x-header-set-2": "set-val-2",
          "x-header-add-2": "add-val-2",
          "x-header-remove-2": "remove-val-2",
          "some-other-header": "another-header-val",
        },
        backend: v2,
        seen: {
          headers: {
            "x-header-set-1": "header-set-1",
            "x-header-set-2": "header-set-2",
            "x-header-add-1": "header-add-1",
            "x-header-add-2": "add-val-2,header-add-2",
            "x-header-remove-2": undefined,
            "some-other-header": "another-header-val",
          },
        },
      },
    ],
  },
  {
    name: "grpc-specificity",
    kind: "GRPCRoute",
    // What the standard says of precedence and of regular expressions, of which the suite has no test.
    conformance: ["precedence of GRPCRouteRule"],
    routes: {
      "grpc-specificity": `
  rules:
    - ${to(3)}
    - { matches: [{ method: { service: shop.v1.Orders } }], ${to(1)} }
    - { matches: [{ method: { service: shop.v1.Orders, method: Place } }], ${to(2)} }
    - { matches: [{ method: { method: Reindex } }], ${to(1)} }
    - { matches: [{ method: { type: RegularExpression, service: "shop\\\\.v[23]\\\\..*", method: "(Get|List).*" } }], ${to(1)} }`,
    },
    cases: [
      { path: "/shop.v1.Orders/Get", backend: v1 },
      { path: "/shop.v1.Orders/Place", backend: v2 },
      { path: "/shop.v1.OrdersArchive/Get", backend: v3 },
      { path: "/shop.v9.Search/Reindex", backend: v1 },
      { path: "/shop.v2.Search/ListAll", backend: v1 },
      { path: "/shop.v2.Search/Delete", backend: v3 },
      { path: "/shop.v4.Search/ListAll", backend: v3 },
    ],
  },
  {
    name: "grpc-invalid",
    kind: "GRPCRoute",
    conformance: ["invalid backends of GRPCRouteRule"],
    annotations: { "meshwright.dev/unresolved-backends": "Answer" },
    routes: {
      "grpc-invalid": `
  rules:
    - { matches: [{ method: { service: a.A } }], backendRefs: [{ name: nonexistent, port: 8080 }] }
    - matches: [{ method: { service: a.B } }]
    - { matches: [{ method: { service: a.C } }], ${to(1)} }`,
    },
    cases: [
      { path: "/a.A/M", status: unavailable },
      { path: "/a.B/M", status: unavailable },
      { path: "/a.C/M", backend: v1 },
    ],
  },
];
