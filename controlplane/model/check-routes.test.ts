import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModel } from "./load.ts";
import { formatProblem } from "./problem.ts";

const services = ["a", "b"]
  .map(
    (name) => `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec: { port: 80, portName: http }
`,
  )
  .join("---\n");

/** The faults of a route whose `spec` is given, without their places, which load.test.ts looks at. */
function faults(spec: string, kind = "HTTPRoute", metadata = "name: r"): string[] {
  const head = `apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { ${metadata} }
spec:
`;
  const result = loadModel([
    { path: "services", text: services },
    {
      path: "r",
      text: `${head}${spec.trimEnd().replace(/^/gm, "  ")}
`,
    },
  ]);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

const parent = "parentRefs: [{ kind: Service, name: a }]";
const rule = (text: string): string => `${parent}\nrules:\n  - ${text}`;
const filter = (text: string, more = ""): string => rule(`filters: [${text}]${more}`);
const toB = "backendRefs: [{ name: b, port: 80 }]";

describe("a fault in an HTTPRoute", () => {
  const cases: [what: string, spec: string, expected: string[]][] = [
    ["none", rule(toB), []],
    [
      "another port name than the Service's",
      "parentRefs: [{ kind: Service, name: a, sectionName: https }]",
      ["spec.parentRefs[0].sectionName: Service a has the portName http, found https"],
    ],
    ["its port name", "parentRefs: [{ kind: Service, name: a, sectionName: http, port: 80 }]", []],
    [
      "two rules of one name",
      `${parent}\nrules: [{ name: x }, {}, { name: x }]`,
      ["spec.rules[2].name: the rule x is there twice (see item 0)"],
    ],
    [
      "a filter that is not there",
      filter("{ type: ExternalAuth, externalAuth: {} }"),
      [
        'spec.rules[0].filters[0].type: string "ExternalAuth" is not supported: use a FilterPolicy; expected one of "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS"',
        "spec.rules[0].filters[0].externalAuth: not supported: use a FilterPolicy",
      ],
    ],
    [
      "a filter without its field",
      filter("{ type: URLRewrite, cors: {} }"),
      [
        "spec.rules[0].filters[0].urlRewrite: required field is missing",
        "spec.rules[0].filters[0].cors: only with type CORS",
      ],
    ],
    [
      "a header that is changed twice",
      filter("{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X, value: a }], remove: [x] } }"),
      [
        "spec.rules[0].filters[0].requestHeaderModifier.remove[0]: the header x is changed twice; write several values as one, with commas",
      ],
    ],
    [
      "a mirror to nowhere",
      filter("{ type: RequestMirror, requestMirror: { backendRef: { name: c, port: 80 } } }"),
      ['spec.rules[0].filters[0].requestMirror.backendRef.name: there is no Service "c"; known: a, b'],
    ],
    [
      "a share of a mirror that is given twice, and one that is more than all",
      filter(
        "{ type: RequestMirror, requestMirror: { backendRef: { name: b, port: 80 }, percent: 1, fraction: { numerator: 1 } } }, { type: RequestMirror, requestMirror: { backendRef: { name: b, port: 80 }, fraction: { numerator: 2, denominator: 1 } } }",
      ),
      [
        "spec.rules[0].filters[0].requestMirror.fraction: not together with percent",
        "spec.rules[0].filters[1].requestMirror.fraction.numerator: expected at most the denominator, 1, found 2",
      ],
    ],
    [
      "a redirection with backends",
      filter("{ type: RequestRedirect, requestRedirect: { port: 81 } }", `\n    ${toB}`),
      ["spec.rules[0].filters[0].type: a rule that redirects has no backendRefs"],
    ],
    [
      "a redirection with a rewrite",
      filter("{ type: RequestRedirect, requestRedirect: {} }, { type: URLRewrite, urlRewrite: {} }"),
      [
        "spec.rules[0].filters[1].type: URLRewrite cannot be together with RequestRedirect: a request that is redirected is not sent on",
      ],
    ],
    [
      "a prefix to replace where there is none, and where there are two",
      `${parent}
rules:
  - filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /x } } }]
    matches: [{ path: { type: Exact, value: /y } }]
    ${toB}
  - matches: [{ path: { value: /x } }, { path: { value: /y } }]
    backendRefs:
      - name: b
        port: 80
        filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /x } } }]`,
      [
        "spec.rules[0].filters[0].urlRewrite.path.type: a rule that replaces the prefix must have exactly one match, with a path of type PathPrefix",
        "spec.rules[1].backendRefs[0].filters[0].requestRedirect.path.type: a rule that replaces the prefix must have exactly one match, with a path of type PathPrefix",
      ],
    ],
    [
      "a path that is no path",
      filter("{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: '/a/../b' } } }"),
      [
        'spec.rules[0].filters[0].urlRewrite.path.replaceFullPath: expected an absolute, normalized path: it begins with "/", and holds no "//", "/./", "/../", %2F, %5C, "?" or "#", found string "/a/../b"',
      ],
    ],
    [
      "origins that browsers do not send",
      filter(
        '{ type: CORS, cors: { allowOrigins: ["*", "https://a.b"], exposeHeaders: ["*"], allowCredentials: true } }, { type: CORS, cors: { allowOrigins: ["ftp://a"] } }',
      ),
      [
        'spec.rules[0].filters[1].cors.allowOrigins[0]: expected an origin such as https://shop.example.com, https://*.example.com:8443 or *, found string "ftp://a"',
      ],
    ],
    [
      "wildcards that are not what they seem",
      filter(
        '{ type: CORS, cors: { allowOrigins: ["*", "https://a.b:0"], exposeHeaders: ["*"], allowCredentials: true } }',
      ),
      [
        'spec.rules[0].filters[0].cors.allowOrigins: "*" stands for all, and must be alone',
        "spec.rules[0].filters[0].cors.allowOrigins[1]: expected a port of 1 to 65535, found 0",
        'spec.rules[0].filters[0].cors.exposeHeaders: with allowCredentials browsers take "*" for the name of a header; write the names',
      ],
    ],
    [
      "an attempt longer than all of them",
      rule(`timeouts: { request: 1s, backendRequest: 1500ms }\n    retry: { codes: [200], backoff: 0s }\n    ${toB}`),
      ["spec.rules[0].retry.codes[0]: expected integer of at least 400 and at most 599, found integer 200"],
    ],
    [
      "times that cannot be",
      rule(`timeouts: { request: 1s, backendRequest: 1500ms }\n    retry: { backoff: 0s }\n    ${toB}`),
      [
        "spec.rules[0].timeouts.backendRequest: expected at most timeouts.request, 1s, found 1500ms",
        "spec.rules[0].retry.backoff: expected more than 0s, found 0s",
      ],
    ],
    [
      "a session over several backends",
      rule(
        "sessionPersistence: { cookie: { lifetimeType: Permanent } }\n    backendRefs: [{ name: b, port: 80 }, { name: a, port: 80 }]",
      ),
      [
        "spec.rules[0].sessionPersistence: only for a rule with one backend: which one a request goes to is drawn before its session is known",
        "spec.rules[0].sessionPersistence.absoluteTimeout: required with the lifetimeType Permanent; at least 1s",
      ],
    ],
    [
      "a session with the fields of another type",
      rule(`sessionPersistence: { type: Header, cookie: {}, absoluteTimeout: 1h }\n    ${toB}`),
      [
        "spec.rules[0].sessionPersistence.cookie: only with type Cookie",
        "spec.rules[0].sessionPersistence.absoluteTimeout: not supported with type Header",
      ],
    ],
    [
      "too many matches",
      `${parent}\nrules: [${Array.from({ length: 3 }, () => `{ matches: [${Array.from({ length: 43 }, () => "{}").join(", ")}] }`).join(", ")}]`,
      ["spec.rules: expected at most 128 matches in all rules, found 129"],
    ],
  ];
  for (const [what, spec, expected] of cases) it(what, () => assert.deepEqual(faults(spec), expected));
});

describe("a fault in a GRPCRoute", () => {
  const cases: [what: string, spec: string, expected: string[]][] = [
    ["none", rule(`matches: [{ method: { service: a.b.C, method: D } }]\n    ${toB}`), []],
    [
      "a method match that says nothing",
      rule("matches: [{ method: { type: Exact } }]"),
      ["spec.rules[0].matches[0].method: expected a service, a method, or both"],
    ],
    [
      "names with a slash",
      rule("matches: [{ method: { service: /a.B, method: C/D } }]"),
      [
        'spec.rules[0].matches[0].method.service: expected the full name of a gRPC service, such as shop.v1.Orders, found string "/a.B"',
        'spec.rules[0].matches[0].method.method: expected the name of a gRPC method, such as Place, found string "C/D"',
      ],
    ],
    [
      "an expression that RE2 does not know",
      rule('matches: [{ method: { type: RegularExpression, method: "(?=a)" } }]'),
      [
        "spec.rules[0].matches[0].method.method: not a regular expression that Envoy (RE2) takes: invalid or unsupported Perl syntax: `(?=`",
      ],
    ],
    [
      "a filter of HTTPRoutes",
      filter("{ type: URLRewrite, urlRewrite: {} }"),
      [
        'spec.rules[0].filters[0].type: expected one of "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", found string "URLRewrite"',
        "spec.rules[0].filters[0].urlRewrite: unknown field; allowed here: type, requestHeaderModifier, responseHeaderModifier, requestMirror",
      ],
    ],
    [
      "a time limit, which calls bring themselves",
      rule("timeouts: { request: 1s }"),
      ["spec.rules[0].timeouts: unknown field; allowed here: name, matches, filters, backendRefs, sessionPersistence"],
    ],
  ];
  for (const [what, spec, expected] of cases) it(what, () => assert.deepEqual(faults(spec, "GRPCRoute"), expected));
});

describe("a backend that is not there", () => {
  const spec = `${parent}
rules:
  - backendRefs: [{ name: b, port: 80 }, { name: gone, port: 80, filters: [] }]
    filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: b, port: 81 } } }]`;
  const annotated = (value: string): string => `name: r, annotations: { meshwright.dev/unresolved-backends: ${value} }`;

  it("is a fault", () => {
    const expected = [
      'spec.rules[0].backendRefs[1].name: there is no Service "gone"; known: a, b',
      "spec.rules[0].filters[0].requestMirror.backendRef.port: Service b has port 80, found 81",
    ];
    assert.deepEqual(faults(spec), expected);
    assert.deepEqual(faults(spec, "HTTPRoute", annotated("Refuse")), expected);
  });

  it("is none where the route says so", () => assert.deepEqual(faults(spec, "HTTPRoute", annotated("Answer")), []));

  it("is said in a known way", () => {
    assert.deepEqual(faults(rule(toB), "HTTPRoute", annotated("Maybe")), [
      'metadata.annotations["meshwright.dev/unresolved-backends"]: expected one of Refuse, Answer, found "Maybe"',
    ]);
    assert.deepEqual(faults(rule(toB), "HTTPRoute", "name: r, annotations: { meshwright.dev/x: y, a.b/c: d }"), [
      'metadata.annotations["meshwright.dev/x"]: unknown annotation; known: meshwright.dev/unresolved-backends',
    ]);
  });
});

describe("routes of a Service", () => {
  const route = (kind: string, name: string): string =>
    `apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: { ${parent} }\n`;
  const load = (...documents: string[]): string[] => {
    const result = loadModel([{ path: "all", text: [services, ...documents].join("---\n") }]);
    return result.ok ? [] : result.problems.map(formatProblem);
  };

  it("are all HTTPRoutes, or all GRPCRoutes", () => {
    assert.deepEqual(load(route("HTTPRoute", "x"), route("HTTPRoute", "y")), []);
    assert.deepEqual(load(route("GRPCRoute", "x"), route("GRPCRoute", "y")), []);
    assert.deepEqual(load(route("HTTPRoute", "x"), route("GRPCRoute", "x")), [
      "all:19:45: spec.parentRefs[0].name: the parent a is that of HTTPRoutes already (all:14)",
    ]);
  });

  it("have a time of creation that is one", () => {
    assert.deepEqual(faults(rule(toB), "HTTPRoute", "name: r, creationTimestamp: 2026-02-31T25:00:00Z"), [
      'metadata.creationTimestamp: expected a time, found "2026-02-31T25:00:00Z"',
    ]);
    assert.deepEqual(faults(rule(toB), "HTTPRoute", "name: r, creationTimestamp: 2026-02-28T23:00:00Z"), []);
  });
});
