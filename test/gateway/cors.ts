import type { Case, Suite } from "./suite.ts";

const toV1 = "backendRefs: [{ name: infra-backend-v1, port: 8080 }]";

const rule = (path: string, cors: string): string => `
    - matches: [{ path: { value: ${path} } }]
      filters: [{ type: CORS, cors: { ${cors} } }]
      ${toV1}`;

const preflight = (
  path: string,
  origin: string,
  method: string,
  response: Case["response"],
  headers?: string,
): Case => ({
  method: "OPTIONS",
  path,
  headers: {
    origin,
    "access-control-request-method": method,
    ...(headers === undefined ? {} : { "access-control-request-headers": headers }),
  },
  status: [200, 204],
  response: response ?? {},
});

const request = (method: string, path: string, origin: string, response: Case["response"]): Case => ({
  method,
  path,
  headers: { origin },
  backend: "infra-backend-v1",
  response: response ?? {},
});

const allowed = (origin: string): NonNullable<Case["response"]> => ({
  "access-control-allow-origin": origin,
  "access-control-allow-methods": "GET, OPTIONS",
  "access-control-allow-headers": "x-header-1, x-header-2",
  "access-control-expose-headers": "x-header-3, x-header-4",
  "access-control-max-age": "3600",
  "access-control-allow-credentials": "true",
});

const both = "x-header-1, x-header-2";

export const cors: readonly Suite[] = [
  {
    name: "cors",
    conformance: ["HTTPRouteCORS"],
    routes: {
      cors: `
  rules:
${rule(
  "/cors-1",
  `allowOrigins: ["https://www.foo.com", "https://*.bar.com"], allowMethods: [GET, OPTIONS],
        allowHeaders: [x-header-1, x-header-2], exposeHeaders: [x-header-3, x-header-4], allowCredentials: true, maxAge: 3600`,
)}
${rule("/cors-2", 'allowOrigins: ["https://www.foo.com"], allowMethods: ["*"]')}
${rule("/cors-wildcard-origin", 'allowOrigins: ["*"], allowMethods: [PUT], allowCredentials: false')}
${rule("/cors-any", 'allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"], allowCredentials: true')}
${rule("/cors-any-unauth", 'allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"]')}`,
    },
    cases: [
      preflight("/cors-1", "https://www.foo.com", "GET", allowed("https://www.foo.com"), both),
      preflight("/cors-1", "https://www.bar.com", "GET", allowed("https://www.bar.com"), both),
      preflight("/cors-1", "https://xpto.www.bar.com", "GET", allowed("https://xpto.www.bar.com"), both),
      preflight("/cors-1", "https://foobar.com", "GET", { "access-control-allow-origin": undefined }),
      // Not in the suite: what only looks like an allowed origin.
      preflight("/cors-1", "https://www.foo.com.evil.com", "GET", { "access-control-allow-origin": undefined }),
      preflight("/cors-1", "https://wwwxfoo.com", "GET", { "access-control-allow-origin": undefined }),
      preflight("/cors-1", "https://evil.com/x.bar.com", "GET", { "access-control-allow-origin": undefined }),
      preflight("/cors-1", "http://www.foo.com", "GET", { "access-control-allow-origin": undefined }),
      preflight("/cors-1", "https://www.foo.com:8443", "GET", { "access-control-allow-origin": undefined }),
      preflight("/cors-1", "https://www.foo.com:443", "GET", allowed("https://www.foo.com:443"), both),
      request("GET", "/cors-1", "https://www.foo.com", { "access-control-allow-origin": "https://www.foo.com" }),
      request("GET", "/cors-1", "https://www.bar.com", { "access-control-allow-origin": "https://www.bar.com" }),
      request("GET", "/cors-1", "https://foobar.com", { "access-control-allow-origin": undefined }),
      preflight("/cors-2", "https://www.foo.com", "POST", {
        "access-control-allow-origin": "https://www.foo.com",
        "access-control-allow-methods": ["POST", "*"],
        "access-control-allow-credentials": undefined,
        "access-control-max-age": "5",
      }),
      ...["https://foobar.com", "https://foobar.com:12345"].flatMap((origin): Case[] => [
        preflight("/cors-wildcard-origin", origin, "PUT", {
          "access-control-allow-origin": [origin, "*"],
          "access-control-allow-methods": "PUT",
          "access-control-allow-credentials": undefined,
        }),
        request("PUT", "/cors-wildcard-origin", origin, {
          "access-control-allow-origin": [origin, "*"],
          "access-control-allow-credentials": undefined,
        }),
      ]),
      preflight(
        "/cors-any",
        "https://foobar.com",
        "PUT",
        {
          "access-control-allow-origin": "https://foobar.com",
          "access-control-allow-methods": "PUT",
          "access-control-allow-headers": both,
          "access-control-allow-credentials": "true",
        },
        both,
      ),
      preflight(
        "/cors-any-unauth",
        "https://foobar.com",
        "PUT",
        {
          "access-control-allow-origin": ["https://foobar.com", "*"],
          "access-control-allow-methods": ["PUT", "*"],
          "access-control-allow-headers": [both, "*"],
          "access-control-allow-credentials": undefined,
        },
        both,
      ),
      request("GET", "/cors-any", "https://foobar.com", { "access-control-allow-credentials": "true" }),
      request("GET", "/cors-any-unauth", "https://foobar.com", { "access-control-allow-credentials": undefined }),
    ],
  },
];
