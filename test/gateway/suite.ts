import assert from "node:assert/strict";
import { get } from "../support/http.ts";
import { call } from "./grpc.ts";
import type { Seen } from "./backends.ts";

/** One request, and what has to become of it. What is not named is not looked at. */
export interface Case {
  readonly method?: string;
  /** Default: the name of the suite, which is that of the Service that its routes have as parent. */
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Status of the response, or one of several. Default: 200. For calls: the gRPC status; default: 0. */
  readonly status?: number | readonly number[];
  /** The backend that answered. */
  readonly backend?: string;
  /** What the backend saw. A header that it must not have seen is `undefined`. */
  readonly seen?: {
    readonly path?: string;
    readonly host?: string;
    readonly headers?: Readonly<Record<string, string | undefined>>;
  };
  /** Headers of the response: a value, one of several, or `undefined` for a header that must not be there. */
  readonly response?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The facts of a test of the standard's conformance suite, or of a few that belong together. */
export interface Suite {
  /** Of the Service that is the parent of its routes. */
  readonly name: string;
  /** Names in the conformance suite. */
  readonly conformance: readonly string[];
  readonly kind?: "HTTPRoute" | "GRPCRoute";
  /** The `spec` of each route, in YAML, without `parentRefs`. */
  readonly routes: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** The Service and the routes of a suite. */
export function resourcesOf({ name, kind = "HTTPRoute", routes, annotations = {} }: Suite): string {
  const service = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec: { port: 80${kind === "GRPCRoute" ? ", protocol: HTTP2" : ""} }
`;
  const documents = Object.entries(routes).map(
    ([route, spec]) => `apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${route}, annotations: ${JSON.stringify(annotations)} }
spec:
  parentRefs: [{ kind: Service, name: ${name} }]
${spec.replace(/^\n/, "").trimEnd()}
`,
  );
  return [service, ...documents].join("---\n");
}

/** A name for a case, for people. */
export function title({ method, host, path = "/", headers }: Case): string {
  return [method, `${host ?? ""}${path}`, headers === undefined ? undefined : JSON.stringify(headers)]
    .filter((part) => part !== undefined)
    .join(" ");
}

/** Sends the request of a case, and checks what became of it. */
export async function check(suite: Suite, test: Case, port: number): Promise<void> {
  const { method, path = "/", host = suite.name, headers = {} } = test;
  if (suite.kind === "GRPCRoute") {
    const answer = await call(port, path, { ...headers, ":authority": host });
    checkStatus(answer.status, test.status ?? 0, answer.message);
    checkSeen(answer.seen, test);
    return;
  }
  const answer = await get(port, path, { ...(method === undefined ? {} : { method }), headers: { ...headers, host } });
  checkStatus(answer.status, test.status ?? 200, answer.body);
  checkSeen(answer.body.startsWith("{") ? (JSON.parse(answer.body) as Seen) : undefined, test);
  for (const [name, expected] of Object.entries(test.response ?? {})) {
    const actual = answer.headers[name]?.toString();
    if (Array.isArray(expected)) assert.ok(expected.includes(actual), `${name}: ${String(actual)}`);
    else assert.equal(actual, expected, name);
  }
}

function checkStatus(actual: number, expected: number | readonly number[], text: string): void {
  if (typeof expected === "number") assert.equal(actual, expected, text);
  else assert.ok(expected.includes(actual), `${String(actual)}: ${text}`);
}

function checkSeen(seen: Seen | undefined, { backend, seen: expected }: Case): void {
  if (backend !== undefined) assert.equal(seen?.backend, backend);
  if (expected?.path !== undefined) assert.equal(seen?.path, expected.path);
  if (expected?.host !== undefined) assert.equal(seen?.host, expected.host);
  for (const [name, value] of Object.entries(expected?.headers ?? {})) {
    assert.equal(seen?.headers[name]?.toString().replaceAll(", ", ","), value, name);
  }
}
