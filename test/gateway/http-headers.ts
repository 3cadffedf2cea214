import type { Case, Suite } from "./suite.ts";

const [v1, v2] = ["infra-backend-v1", "infra-backend-v2"];
const toV1 = "backendRefs: [{ name: infra-backend-v1, port: 8080 }]";

/** The changes that both the rule's and the backend's filters are tried with. */
const changes: Readonly<Record<string, string>> = {
  "/set": "set: [{ name: X-Header-Set, value: set-overwrites-values }]",
  "/add": "add: [{ name: X-Header-Add, value: add-appends-values }]",
  "/remove": "remove: [X-Header-Remove]",
  "/multiple": `set: [{ name: X-Header-Set-1, value: header-set-1 }, { name: X-Header-Set-2, value: header-set-2 }],
          add: [{ name: X-Header-Add-1, value: header-add-1 }, { name: X-Header-Add-2, value: header-add-2 },
            { name: X-Header-Add-3, value: header-add-3 }],
          remove: [X-Header-Remove-1, X-Header-Remove-2]`,
  "/case-insensitivity": `set: [{ name: X-Header-Set, value: header-set }], add: [{ name: X-Header-Add, value: header-add }],
          remove: [X-Header-Remove]`,
};

const filter = (kind: "request" | "response", change: string): string =>
  `{ type: ${kind === "request" ? "Request" : "Response"}HeaderModifier, ${kind}HeaderModifier: { ${change} } }`;

const forRule = (kind: "request" | "response"): string =>
  Object.entries(changes)
    .map(
      ([path, change]) => `
    - matches: [{ path: { value: ${path} } }]
      filters: [${filter(kind, change)}]
      ${toV1}`,
    )
    .join("");

const forBackend = Object.entries(changes)
  .map(
    ([path, change]) => `
    - matches: [{ path: { value: ${path} } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080, filters: [${filter("request", change)}] }]`,
  )
  .join("");

/** Headers on the way in, and those that must come out, with the header names in lower case. */
const table: [path: string, before: Record<string, string>, after: Record<string, string | undefined>][] = [
  ["/set", { "some-other-header": "val" }, { "some-other-header": "val", "x-header-set": "set-overwrites-values" }],
  ["/set", { "x-header-set": "some-other-value" }, { "x-header-set": "set-overwrites-values" }],
  ["/add", { "some-other-header": "val" }, { "some-other-header": "val", "x-header-add": "add-appends-values" }],
  ["/add", { "x-header-add": "some-other-value" }, { "x-header-add": "some-other-value,add-appends-values" }],
  ["/remove", { "x-header-remove": "val" }, { "x-header-remove": undefined }],
  [
    "/multiple",
    {
      "x-header-set-2": "set-val-2",
      "x-header-add-2": "add-val-2",
      "x-header-remove-2": "remove-val-2",
      "another-header": "another-header-val",
    },
    {
      "x-header-set-1": "header-set-1",
      "x-header-set-2": "header-set-2",
      "x-header-add-1": "header-add-1",
      "x-header-add-2": "add-val-2,header-add-2",
      "x-header-add-3": "header-add-3",
      "another-header": "another-header-val",
      "x-header-remove-1": undefined,
      "x-header-remove-2": undefined,
    },
  ],
  [
    "/case-insensitivity",
    {
      "x-header-set": "original-val-set",
      "x-header-add": "original-val-add",
      "x-header-remove": "original-val-remove",
    },
    { "x-header-set": "header-set", "x-header-add": "original-val-add,header-add", "x-header-remove": undefined },
  ],
];

const requests = table.map(([path, headers, after]): Case => ({
  path,
  headers,
  backend: v1,
  seen: { path, headers: after },
}));

const responses = table.map(([path, before, after]): Case => ({
  path,
  headers: { "x-respond": JSON.stringify(before) },
  backend: v1,
  response: Object.fromEntries(
    Object.entries(after).map(([name, value]) => [
      name,
      value === undefined ? undefined : [value, value.replace(",", ", ")],
    ]),
  ),
}));

/** What filters change of headers. */
export const httpHeaders: readonly Suite[] = [
  {
    name: "request-header-modifier",
    conformance: ["HTTPRouteRequestHeaderModifier"],
    routes: { "request-header-modifier": `  rules:${forRule("request")}` },
    cases: requests,
  },
  {
    name: "backend-header-modifier",
    conformance: ["HTTPRouteBackendRequestHeaderModifier"],
    routes: { "backend-header-modifier": `  rules:${forBackend}` },
    cases: requests,
  },
  {
    name: "response-header-modifier",
    conformance: ["HTTPRouteResponseHeaderModifier"],
    routes: {
      "response-header-modifier": `  rules:${forRule("response")}
    - matches: [{ path: { value: /response-and-request-header-modifiers } }]
      filters:
        - ${filter("response", "set: [{ name: X-Header-Set-1, value: header-set-1 }], remove: [X-Header-Remove-1]")}
        - ${filter("request", "set: [{ name: X-Header-Set, value: set-overwrites-values }], remove: [X-Header-Remove]")}
      ${toV1}`,
    },
    cases: [
      ...responses,
      {
        path: "/response-and-request-header-modifiers",
        headers: {
          "x-header-remove": "remove-val",
          "x-header-echo": "echo",
          "x-respond": '{"x-header-remove-1":"val","x-header-echo":"echo"}',
        },
        seen: {
          headers: {
            "x-header-set": "set-overwrites-values",
            "x-header-echo": "echo",
            "x-header-remove": undefined,
          },
        },
        response: { "x-header-set-1": "header-set-1", "x-header-echo": "echo", "x-header-remove-1": undefined },
      },
    ],
  },
  {
    name: "header-precedence",
    // No test of the suite: what a backend changes comes after what its rule changes.
    conformance: ["filters of rule and backend"],
    routes: {
      "header-precedence": `
  rules:
    - filters: [${filter("request", "set: [{ name: x-who, value: rule }, { name: x-gone, value: rule }], add: [{ name: x-list, value: rule }]")}]
      backendRefs:
        - name: infra-backend-v2
          port: 8080
          filters: [${filter("request", "set: [{ name: x-who, value: backend }], add: [{ name: x-list, value: backend }], remove: [x-gone]")}]`,
    },
    cases: [{ backend: v2, seen: { headers: { "x-who": "backend", "x-list": "rule,backend", "x-gone": undefined } } }],
  },
];
