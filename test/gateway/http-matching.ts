import type { Suite } from "./suite.ts";

const to = (version: 1 | 2 | 3): string => `backendRefs: [{ name: infra-backend-v${String(version)}, port: 8080 }]`;
const [v1, v2, v3] = ["infra-backend-v1", "infra-backend-v2", "infra-backend-v3"];

const version = (value: string): string => `headers: [{ name: version, value: ${value} }]`;
const color = (value: string): string => `headers: [{ name: color, value: ${value} }]`;
const animal = (value: string): string => `queryParams: [{ name: animal, value: ${value} }]`;
const path = (value: string): string => `path: { type: PathPrefix, value: ${value} }`;

/** Which rule takes a request. */
export const httpMatching: readonly Suite[] = [
  {
    name: "matching",
    conformance: ["HTTPRouteMatching"],
    routes: {
      matching: `
  rules:
    - { matches: [{ ${path("/")} }, { ${version("one")} }], ${to(1)} }
    - { matches: [{ ${path("/v2")} }, { ${version("two")} }], ${to(2)} }`,
    },
    cases: [
      { path: "/", backend: v1 },
      { path: "/example", backend: v1 },
      { path: "/", headers: { Version: "one" }, backend: v1 },
      { path: "/v2", backend: v2 },
      { path: "/v2/example", backend: v2 },
      { path: "/", headers: { Version: "two" }, backend: v2 },
      { path: "/v2/", backend: v2 },
      { path: "/v2example", backend: v1 },
      { path: "/foo/v2/example", backend: v1 },
    ],
  },
  {
    name: "across",
    conformance: ["HTTPRouteMatchingAcrossRoutes"],
    routes: {
      "matching-part1": `
  hostnames: [example.com, example.net]
  rules: [{ matches: [{ ${path("/")} }, { ${version("one")} }], ${to(1)} }]`,
      "matching-part2": `
  hostnames: [example.com]
  rules: [{ matches: [{ ${path("/v2")} }, { ${version("two")} }], ${to(2)} }]`,
    },
    cases: [
      { host: "example.com", path: "/", backend: v1 },
      { host: "example.com", path: "/example", backend: v1 },
      { host: "example.net", path: "/example", backend: v1 },
      { host: "example.com", path: "/example", headers: { Version: "one" }, backend: v1 },
      { host: "example.com", path: "/v2", backend: v2 },
      { host: "example.net", path: "/v2", backend: v1 },
      { host: "example.com", path: "/v2/example", backend: v2 },
      { host: "example.com", path: "/", headers: { Version: "two" }, backend: v2 },
    ],
  },
  {
    name: "header-matching",
    conformance: ["HTTPRouteHeaderMatching"],
    routes: {
      "header-matching": `
  rules:
    - { matches: [{ ${version("one")} }], ${to(1)} }
    - { matches: [{ ${version("two")} }], ${to(2)} }
    - { matches: [{ headers: [{ name: version, value: two }, { name: color, value: orange }] }], ${to(1)} }
    - { matches: [{ ${color("blue")} }, { ${color("green")} }], ${to(1)} }
    - { matches: [{ ${color("red")} }, { ${color("yellow")} }], ${to(2)} }`,
    },
    cases: [
      { headers: { Version: "one" }, backend: v1 },
      { headers: { Version: "two" }, backend: v2 },
      { headers: { Version: "two", Color: "orange" }, backend: v1 },
      { headers: { Version: "two", Color: "blue" }, backend: v2 },
      { headers: { Color: "orange" }, status: 404 },
      { headers: { "Some-Other-Header": "one" }, status: 404 },
      { headers: { Color: "blue" }, backend: v1 },
      { headers: { Color: "green" }, backend: v1 },
      { headers: { Color: "red" }, backend: v2 },
      { headers: { Color: "yellow" }, backend: v2 },
      { headers: { Color: "purple" }, status: 404 },
    ],
  },
  {
    name: "query-param-matching",
    conformance: ["HTTPRouteQueryParamMatching"],
    routes: {
      "query-param-matching": `
  rules:
    - { matches: [{ ${animal("whale")} }], ${to(1)} }
    - { matches: [{ ${animal("dolphin")} }], ${to(2)} }
    - matches:
        - queryParams: [{ name: animal, value: dolphin }, { name: color, value: blue }]
        - queryParams: [{ name: ANIMAL, value: Whale }]
      ${to(3)}
    - { matches: [{ ${path("/path1")}, ${animal("whale")} }], ${to(1)} }
    - { matches: [{ ${version("one")}, ${animal("whale")} }], ${to(2)} }
    - { matches: [{ ${path("/path2")}, ${version("two")}, ${animal("whale")} }], ${to(3)} }
    - matches:
        - { ${path("/path3")}, ${animal("shark")} }
        - { ${path("/path4")}, ${version("three")}, ${animal("kraken")} }
      ${to(1)}
    - { matches: [{ ${path("/path5")} }], ${to(1)} }
    - { matches: [{ ${animal("hydra")} }], ${to(2)} }
    - { matches: [{ ${version("four")} }], ${to(3)} }`,
    },
    cases: [
      { path: "/?animal=whale", backend: v1 },
      { path: "/?animal=dolphin", backend: v2 },
      { path: "/?animal=dolphin&color=blue", backend: v3 },
      { path: "/?ANIMAL=Whale", backend: v3 },
      { path: "/?animal=whale&otherparam=irrelevant", backend: v1 },
      { path: "/?animal=dolphin&color=yellow", backend: v2 },
      { path: "/?color=blue", status: 404 },
      { path: "/?animal=dog", status: 404 },
      { path: "/?animal=whaledolphin", status: 404 },
      { path: "/", status: 404 },
      { path: "/path1?animal=whale", backend: v1 },
      { path: "/?animal=whale", headers: { version: "one" }, backend: v2 },
      { path: "/path2?animal=whale", headers: { version: "two" }, backend: v3 },
      { path: "/path3?animal=shark", backend: v1 },
      { path: "/path4?animal=kraken", headers: { version: "three" }, backend: v1 },
      { path: "/?animal=shark", status: 404 },
      { path: "/path4?animal=kraken", status: 404 },
      { path: "/path5?animal=hydra", backend: v1 },
      { path: "/?animal=hydra", headers: { version: "four" }, backend: v3 },
    ],
  },
  {
    name: "exact-matching",
    conformance: ["HTTPRouteExactPathMatching"],
    routes: {
      "exact-matching": `
  rules:
    - { matches: [{ path: { type: Exact, value: /one } }], ${to(1)} }
    - { matches: [{ path: { type: Exact, value: /two } }], ${to(2)} }`,
    },
    cases: [
      { path: "/one", backend: v1 },
      { path: "/two", backend: v2 },
      { path: "/", status: 404 },
      { path: "/one/example", status: 404 },
      { path: "/two/", status: 404 },
      { path: "/Two", status: 404 },
    ],
  },
  {
    name: "path-matching-order",
    conformance: ["HTTPRoutePathMatchOrder"],
    routes: {
      "path-matching-order": `
  rules:
    - { matches: [{ path: { type: Exact, value: /match } }], ${to(1)} }
    - { matches: [{ path: { type: Exact, value: /match/exact } }], ${to(2)} }
    - { matches: [{ path: { type: Exact, value: /match/exact/one } }], ${to(3)} }
    - { matches: [{ ${path("/match/")} }], ${to(3)} }
    - { matches: [{ ${path("/match/prefix/")} }], ${to(1)} }
    - { matches: [{ ${path("/match/prefix/one")} }], ${to(2)} }`,
    },
    cases: [
      { path: "/match/exact/one", backend: v3 },
      { path: "/match/exact", backend: v2 },
      { path: "/match", backend: v1 },
      { path: "/match/prefix/one/any", backend: v2 },
      { path: "/match/prefix/any", backend: v1 },
      { path: "/match/any", backend: v3 },
    ],
  },
  {
    name: "method-matching",
    conformance: ["HTTPRouteMethodMatching"],
    routes: {
      "method-matching": `
  rules:
    - { matches: [{ method: POST }], ${to(1)} }
    - { matches: [{ method: GET }], ${to(2)} }
    - { matches: [{ ${path("/path1")}, method: GET }], ${to(1)} }
    - { matches: [{ ${version("one")}, method: PUT }], ${to(2)} }
    - { matches: [{ ${path("/path2")}, ${version("two")}, method: POST }], ${to(3)} }
    - matches: [{ ${path("/path3")}, method: PATCH }, { ${path("/path4")}, ${version("three")}, method: DELETE }]
      ${to(1)}
    - { matches: [{ ${path("/path5")} }], ${to(1)} }
    - { matches: [{ method: PATCH }], ${to(2)} }
    - { matches: [{ ${version("four")} }], ${to(3)} }`,
    },
    cases: [
      { method: "POST", backend: v1 },
      { method: "GET", backend: v2 },
      { method: "HEAD", status: 404 },
      { method: "GET", path: "/path1", backend: v1 },
      { method: "PUT", headers: { version: "one" }, backend: v2 },
      { method: "POST", path: "/path2", headers: { version: "two" }, backend: v3 },
      { method: "PATCH", path: "/path3", backend: v1 },
      { method: "DELETE", path: "/path4", headers: { version: "three" }, backend: v1 },
      { method: "PUT", status: 404 },
      { method: "DELETE", path: "/path4", status: 404 },
      { method: "PATCH", path: "/path5", backend: v1 },
      { method: "PATCH", headers: { version: "four" }, backend: v2 },
    ],
  },
  {
    name: "named-rules",
    conformance: ["HTTPRouteNamedRule", "HTTPRouteSimpleSameNamespace"],
    routes: {
      "named-rules": `
  rules:
    - { name: named-rule, matches: [{ ${path("/named")} }], ${to(1)} }
    - { matches: [{ ${path("/unnamed")} }], ${to(2)} }`,
    },
    cases: [
      { path: "/named", backend: v1 },
      { path: "/unnamed", backend: v2 },
    ],
  },
  {
    name: "hosts",
    conformance: ["HTTPRouteListenerHostnameMatching", "HTTPRouteHostnameIntersection"],
    // What the suite's listeners restrict is the hostnames of the routes here, as a Service has no listeners.
    routes: {
      "bar-com": `
  hostnames: [bar.com]
  rules: [{ ${to(1)} }]`,
      "foo-bar-com": `
  hostnames: [foo.bar.com]
  rules: [{ ${to(2)} }]`,
      "any-bar-com": `
  hostnames: ["*.bar.com", "*.foo.com"]
  rules: [{ ${to(3)} }]`,
      "specific-host": `
  hostnames: [very.specific.com]
  rules: [{ matches: [{ ${path("/s1")} }], ${to(1)} }]`,
      "wildcard-host": `
  hostnames: ["*.specific.com"]
  rules: [{ matches: [{ ${path("/s3")} }, { ${path("/s1")} }], ${to(3)} }]`,
      "another-wildcard": `
  hostnames: ["*.anotherwildcard.io"]
  rules: [{ matches: [{ ${path("/s4")} }], ${to(1)} }]`,
    },
    cases: [
      { host: "bar.com", backend: v1 },
      { host: "foo.bar.com", backend: v2 },
      { host: "baz.bar.com", backend: v3 },
      { host: "boo.bar.com", backend: v3 },
      { host: "multiple.prefixes.bar.com", backend: v3 },
      { host: "multiple.prefixes.foo.com", backend: v3 },
      { host: "foo.com", status: 404 },
      { host: "no.matching.host", status: 404 },
      { host: "very.specific.com", path: "/s1", backend: v1 },
      { host: "very.specific.com:1234", path: "/s1", backend: v1 },
      { host: "very.specific.com", path: "/s3", backend: v3 },
      { host: "very.specific.com", path: "/non-matching-prefix", status: 404 },
      { host: "foo.anotherwildcard.io", path: "/s4", backend: v1 },
      { host: "foo.bar.anotherwildcard.io", path: "/s4", backend: v1 },
      { host: "anotherwildcard.io", path: "/s4", status: 404 },
      { host: "foo.anotherwildcard.io", path: "/non-matching-prefix", status: 404 },
    ],
  },
];
