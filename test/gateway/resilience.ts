import type { Case, Suite } from "./suite.ts";

const [v1, v3] = ["infra-backend-v1", "infra-backend-v3"];
const to = (version: 1 | 3): string => `backendRefs: [{ name: infra-backend-v${String(version)}, port: 8080 }]`;

let unique = 0;

/** A request that fails so often, and what has to become of it. */
const failing = (path: string, fail: number, times: number, status: number, delayRetry = 0): Case => ({
  path: `${path}?fail=${String(fail)}&times=${String(times)}&id=${String(++unique)}&delayRetry=${String(delayRetry)}`,
  status,
  ...(status === 200 ? { backend: v3 } : {}),
});

const all = [500, 502, 503, 504];

/** Time limits, retries, and backends that are not there. */
export const resilience: readonly Suite[] = [
  {
    name: "timeouts",
    conformance: ["HTTPRouteTimeoutRequest", "HTTPRouteTimeoutBackendRequest"],
    routes: {
      timeouts: `
  rules:
    - { matches: [{ path: { value: /request-timeout } }], timeouts: { request: 500ms }, ${to(1)} }
    - { matches: [{ path: { value: /disable-request-timeout } }], timeouts: { request: 0s }, ${to(1)} }
    - { matches: [{ path: { value: /backend-timeout } }], timeouts: { backendRequest: 500ms }, ${to(1)} }
    - { matches: [{ path: { value: /disable-backend-timeout } }], timeouts: { backendRequest: 0s }, ${to(1)} }`,
    },
    cases: ["request", "backend"].flatMap((which): Case[] => [
      { path: `/${which}-timeout`, backend: v1 },
      { path: `/${which}-timeout?delay=1000`, status: 504 },
      { path: `/disable-${which}-timeout?delay=1000`, backend: v1 },
    ]),
  },
  {
    name: "retries",
    conformance: ["HTTPRouteRetry", "HTTPRouteRetryConnectionError", "HTTPRouteRetryWithTimeouts"],
    routes: {
      retries: `
  rules:
    - { matches: [{ path: { value: /code-500-attempts-3 } }], retry: { codes: [500], attempts: 3 }, ${to(3)} }
    - { matches: [{ path: { value: /code-all-attempts-2 } }], retry: { codes: [500, 502, 503, 504], attempts: 2 }, ${to(3)} }
    - { matches: [{ path: { value: /no-status-code-attempts-3 } }], retry: { attempts: 3 }, ${to(3)} }
    - { matches: [{ path: { value: /backend-request-timeout-200ms } }], retry: { attempts: 2 }, timeouts: { backendRequest: 200ms }, ${to(3)} }
    - matches: [{ path: { value: /request-timeout-400ms } }]
      retry: { codes: [500], attempts: 5 }
      timeouts: { backendRequest: 200ms, request: 400ms }
      ${to(3)}`,
    },
    cases: [
      failing("/code-500-attempts-3", 500, 2, 200),
      failing("/code-500-attempts-3", 500, 4, 500),
      failing("/code-500-attempts-3", 503, 2, 503),
      ...all.flatMap((code) => [
        failing("/code-all-attempts-2", code, 1, 200),
        failing("/code-all-attempts-2", code, 3, code),
      ]),
      failing("/no-status-code-attempts-3", 0, 2, 200),
      failing("/no-status-code-attempts-3", 0, 4, 503),
      failing("/backend-request-timeout-200ms", 500, 2, 200, 300),
      failing("/backend-request-timeout-200ms", 500, 3, 504, 300),
      failing("/request-timeout-400ms", 500, 1, 200),
      failing("/request-timeout-400ms", 500, 4, 504, 150),
    ],
  },
  {
    name: "omitted-backends",
    conformance: ["HTTPRouteNoBackendRefs"],
    routes: {
      "omitted-backends": `
  rules:
    - matches: [{ path: { type: Exact, value: /omitted-no-forward } }]
    - { matches: [{ path: { type: Exact, value: /empty-no-forward } }], backendRefs: [] }
    - { matches: [{ path: { value: / } }], ${to(1)} }`,
    },
    cases: [
      { path: "/forward", backend: v1 },
      { path: "/omitted-no-forward", status: 500 },
      { path: "/empty-no-forward", status: 500 },
    ],
  },
  {
    name: "invalid-backends",
    conformance: ["HTTPRouteInvalidNonExistentBackendRef", "HTTPRoutePartiallyInvalidViaInvalidReferenceGrant"],
    annotations: { "meshwright.dev/unresolved-backends": "Answer" },
    routes: {
      "invalid-backends": `
  rules:
    - { matches: [{ path: { value: /v2 } }], backendRefs: [{ name: nonexistent, port: 8080 }] }
    - { matches: [{ path: { value: /port } }], backendRefs: [{ name: infra-backend-v1, port: 8081 }] }
    - matches: [{ path: { value: /half } }]
      backendRefs: [{ name: infra-backend-v1, port: 8080 }, { name: nonexistent, port: 8080 }]
    - matches: [{ path: { value: /mirror } }]
      filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: nonexistent, port: 8080 } } }]
      ${to(1)}
    - ${to(1)}`,
    },
    cases: [
      { path: "/v2", status: 500 },
      { path: "/port", status: 500 },
      { path: "/mirror", backend: v1 },
      { path: "/", backend: v1 },
    ],
  },
];
