// External decision in a real Envoy: the same authorizer behind Envoy's own ext_authz filter and behind authz, field by field.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { toJson, type JsonValue } from "@bufbuild/protobuf";
import { status as Code } from "@grpc/grpc-js";
import { HeaderValueOption_HeaderAppendAction as Append } from "../controlplane/gen/envoy/config/core/v3/base_pb.js";
import { CheckRequestSchema } from "../controlplane/gen/envoy/service/auth/v3/external_auth_pb.js";
import { StatusCode } from "../controlplane/gen/envoy/type/v3/http_status_pb.js";
import { everybody } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { GrpcAuthorizer, HttpAuthorizer, type GrpcBehaviour, type HttpBehaviour } from "./support/authorizers.ts";
import { FilterEnvoy, typed, wasmFilter } from "./support/filter-chains.ts";
import { get, startApp, type Ask } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

const TIMEOUT = "400ms";
const LATE = 1500;

const native = (cluster: string, fields: object = {}): object => ({
  name: "ext_authz",
  typed_config: typed("http.ext_authz.v3.ExtAuthz", {
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: cluster }, timeout: "0.4s" },
    ...fields,
  }),
});
const nativeHttp = (cluster: string, fields: object = {}): object => ({
  name: "ext_authz",
  typed_config: typed("http.ext_authz.v3.ExtAuthz", {
    transport_api_version: "V3",
    http_service: {
      server_uri: { uri: "http://auth", cluster, timeout: "0.4s" },
      path_prefix: "/check",
      authorization_response: {
        allowed_upstream_headers: { patterns: [{ exact: "x-user" }] },
        allowed_upstream_headers_to_append: { patterns: [{ exact: "x-add" }] },
        allowed_client_headers: { patterns: [{ exact: "x-why" }] },
        allowed_client_headers_on_success: { patterns: [{ exact: "x-reply" }] },
      },
    },
    allowed_headers: { patterns: [{ exact: "x-a" }] },
    ...fields,
  }),
});

const rules = [{ name: "ask", action: "external", authorizer: "service" }];
const ours = (authorizer: object, more: object = {}): object =>
  wasmFilter("authz", join(root, "build", "authz.wasm"), {
    externalAuthorizers: [{ name: "service", timeout: TIMEOUT, ...authorizer }],
    rules,
    ...more,
  });
const http = {
  cluster: "http",
  pathPrefix: "/check",
  upstreamHeaders: ["x-user"],
  upstreamHeadersToAppend: ["x-add"],
  clientHeaders: ["x-why"],
  clientHeadersOnSuccess: ["x-reply"],
};
const grpc = { grpc: { cluster: "grpc" } };
const cache = { key: [{ header: "x-key" }, { method: true }, { path: true }], ttl: "2s", deniedTtl: "400ms" };

const chains = {
  native: [native("grpc")],
  ours: [ours(grpc)],
  nativeOpen: [native("grpc", { failure_mode_allow: true })],
  oursOpen: [ours({ ...grpc, onError: "allow" })],
  nativeStatus: [native("grpc", { status_on_error: { code: "ServiceUnavailable" } })],
  oursStatus: [ours({ ...grpc, statusOnError: 503 })],
  nativeGone: [native("gone")],
  oursGone: [ours({ grpc: { cluster: "gone" }, retries: 1 })],
  nativeGoneOpen: [native("gone", { failure_mode_allow: true })],
  oursGoneOpen: [ours({ grpc: { cluster: "gone" }, onError: "allow" })],
  nativeHttp: [nativeHttp("http")],
  oursHttp: [ours({ http, requestHeaders: ["x-a"] })],
  retried: [ours({ ...grpc, retries: 2 })],
  cached: [ours({ ...grpc, cache })],
  json: [ours(grpc, { responses: { format: "json" } })],
  precedence: [
    ours(grpc, {
      evaluation: "precedence",
      rules: [
        { name: "rest", action: "allow", paths: [{ prefix: "/open" }, { prefix: "/debug" }], ...everybody },
        { name: "no-debug", action: "deny", paths: [{ prefix: "/debug" }] },
        ...rules,
      ],
    }),
  ],
} as const;
type Chain = keyof typeof chains;

let envoy: FilterEnvoy;
let service: GrpcAuthorizer;
let httpService: HttpAuthorizer;
let app: Awaited<ReturnType<typeof startApp>>;
before(async () => {
  await filterModule("authz");
  [service, httpService, app] = await Promise.all([GrpcAuthorizer.start(), HttpAuthorizer.start(), startApp("app")]);
  const [gone = 0] = await freePorts(1);
  envoy = await FilterEnvoy.start(chains, [], {
    clusters: { http: httpService.port, app: app.port },
    grpcClusters: { grpc: service.port, gone },
    routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
  });
});
after(async () => {
  await envoy.stop();
  service.stop();
  httpService.stop();
  await app.stop();
});

/** Headers that differ from one request to the next, or say only how a response came about. */
const PASSING = ["date", "x-request-id", "x-envoy-upstream-service-time", "connection", "keep-alive"];

interface Outcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Target and headers that the upstream got; its body otherwise. */
  readonly upstream?: { readonly path: string; readonly headers: Readonly<Record<string, unknown>> };
  readonly body?: string;
}

async function send(chain: Chain, path: string, ask: Ask = {}): Promise<Outcome> {
  const answer = await get(envoy.port(chain), path, { ...ask, headers: { host: "a.example", ...ask.headers } });
  const headers = without(answer.headers);
  if (answer.headers["content-type"] !== "application/json")
    return { status: answer.status, headers, body: answer.body };
  const seen = JSON.parse(answer.body) as { path: string; headers: Record<string, unknown> };
  const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "content-length"));
  return { status: answer.status, headers: rest, upstream: { path: seen.path, headers: without(seen.headers) } };
}

/** A value that Envoy appends to the line of another is one to us, too, but in a line of its own (RFC 9110, section 5.3). */
function without(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = Object.entries(headers).filter(([name]) => !PASSING.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, typeof value === "string" ? value.replaceAll(", ", ",") : value]),
  );
}

/** The same through both filters. */
async function both(
  behaviour: GrpcBehaviour,
  [a, b]: readonly [Chain, Chain] = ["native", "ours"],
  path = "/x?a=1&b=2",
  ask: Ask = {},
): Promise<[native: Outcome, ours: Outcome]> {
  service.set(behaviour);
  const first = await send(a, path, ask);
  service.set(behaviour);
  return [first, await send(b, path, ask)];
}

const option = (key: string, value: string, appendAction = Append.OVERWRITE_IF_EXISTS_OR_ADD) => ({
  header: { key, value },
  appendAction,
});
/** The field that services used before there were actions, and that Envoy's filter reads. */
const older = (key: string, value: string, append: boolean) => ({
  header: { key, value },
  ["append" as const]: append,
});
const headers = {
  "x-set": "client",
  "x-plain": "client",
  "x-old": "client",
  "x-add": "client",
  "x-gone": "1",
  "x-two": ["1", "2"],
};

describe("an answer does the same behind both", () => {
  const answers: Readonly<Record<string, GrpcBehaviour>> = {
    "an empty answer allows": { answer: {} },
    "headers are set, appended, added and removed": {
      answer: {
        status: { code: 0 },
        httpResponse: {
          case: "okResponse",
          value: {
            headers: [
              option("x-set", "new"),
              { header: { key: "x-plain", value: "new" } },
              older("x-add", "more", true),
              older("x-old", "new", false),
              option("x-absent", "there", Append.ADD_IF_ABSENT),
              option("X-Case", "lower"),
            ],
            headersToRemove: ["x-gone", "x-two"],
          },
        },
      },
    },
    "the response gets headers": {
      answer: {
        httpResponse: {
          case: "okResponse",
          value: {
            responseHeadersToAdd: [
              option("x-reply", "yes"),
              option("x-reply-2", "a", Append.APPEND_IF_EXISTS_OR_ADD),
              option("x-reply-2", "b", Append.APPEND_IF_EXISTS_OR_ADD),
            ],
          },
        },
      },
    },
    "parameters of the query are set and removed": {
      answer: {
        httpResponse: {
          case: "okResponse",
          value: { queryParametersToSet: [{ key: "c", value: "3" }], queryParametersToRemove: ["a"] },
        },
      },
    },
    "a denial has status, headers and body": {
      answer: {
        status: { code: 7 },
        httpResponse: {
          case: "deniedResponse",
          value: {
            status: { code: StatusCode.TooManyRequests },
            headers: [option("retry-after", "7"), option("x-why", "too many")],
            body: "later",
          },
        },
      },
    },
    "a denial without a response is 403": { answer: { status: { code: 16 } } },
    "an empty denial is 403": { answer: { status: { code: 7 }, httpResponse: { case: "deniedResponse", value: {} } } },
  };
  for (const [what, behaviour] of Object.entries(answers)) {
    test(what, async () => {
      const [first, second] = await both(behaviour, undefined, undefined, { headers });
      assert.deepEqual(second, first);
    });
  }

  test("an action that keeps what the client sent is done by ours, and overwrites by Envoy's filter", async () => {
    const value = {
      headers: [option("x-add", "never", Append.ADD_IF_ABSENT), option("x-none", "never", Append.OVERWRITE_IF_EXISTS)],
    };
    const [first, second] = await both({ answer: { httpResponse: { case: "okResponse", value } } }, undefined, "/", {
      headers,
    });
    assert.equal(second.upstream?.headers["x-add"], "client");
    assert.equal(second.upstream.headers["x-none"], undefined);
    assert.equal(first.upstream?.headers["x-add"], "never");
  });

  test("many large headers", async () => {
    const many = Array.from({ length: 60 }, (_, i) => option(`x-many-${String(i)}`, "v".repeat(150)));
    const [first, second] = await both({ answer: { httpResponse: { case: "okResponse", value: { headers: many } } } });
    assert.deepEqual(second, first);
    assert.equal(Object.keys(second.upstream?.headers ?? {}).filter((name) => name.startsWith("x-many-")).length, 60);
  });
});

describe("where there is no good answer", () => {
  test("a service that is late, or not there, is refused by both, and let pass by both where that was chosen", async () => {
    for (const [behaviour, chain, expected] of [
      [{ late: LATE }, ["native", "ours"], 403],
      [{ late: LATE }, ["nativeStatus", "oursStatus"], 503],
      [{ late: LATE }, ["nativeOpen", "oursOpen"], 200],
      [{ code: Code.UNAVAILABLE }, ["native", "ours"], 403],
      [{ code: Code.UNAVAILABLE }, ["nativeOpen", "oursOpen"], 200],
      [{ answer: {} }, ["nativeGone", "oursGone"], 403],
      [{ answer: {} }, ["nativeGoneOpen", "oursGoneOpen"], 200],
    ] as const) {
      const [first, second] = await both(behaviour, chain);
      const name = `${JSON.stringify(behaviour)} ${chain.join()}`;
      assert.deepEqual([first.status, second.status], [expected, expected], name);
    }
  });

  test("what a service chokes on is let pass by Envoy's filter that fails open, and never by ours", async () => {
    for (const behaviour of [
      { code: Code.INTERNAL },
      { code: Code.INVALID_ARGUMENT },
      { code: Code.UNKNOWN },
      { bytes: Uint8Array.of(0xff, 0xff) },
    ]) {
      const [first, second] = await both(behaviour, ["nativeOpen", "oursOpen"]);
      assert.deepEqual([first.status, second.status], [200, 403], JSON.stringify(behaviour));
      const [closed, oursClosed] = await both(behaviour);
      assert.deepEqual([closed.status, oursClosed.status], [403, 403]);
    }
  });

  test("tries share one timeout, and the last one may bring the answer", async () => {
    service.set({ code: Code.UNAVAILABLE, times: 2 });
    assert.equal((await send("retried", "/")).status, 200);
    assert.equal(service.calls.length, 3);
    service.set({ code: Code.UNAVAILABLE });
    assert.equal((await send("retried", "/")).status, 403);
    assert.equal(service.calls.length, 3);
    service.set({ code: Code.INTERNAL });
    assert.equal((await send("retried", "/")).status, 403);
    assert.equal(service.calls.length, 1, "a bad answer is an answer");
  });
});

describe("what the service is told", () => {
  /** The question as JSON, without what is another each time. */
  function question(): Record<string, JsonValue> {
    const [call] = service.calls;
    assert.ok(call);
    const { attributes } = toJson(CheckRequestSchema, call) as {
      attributes: Record<string, Record<string, JsonValue>>;
    };
    const flat: Record<string, JsonValue> = {};
    const walk = (value: JsonValue | undefined, path: string): void => {
      if (typeof value !== "object" || value === null) flat[path] = value ?? null;
      else for (const [key, item] of Object.entries(value)) walk(item, path === "" ? key : `${path}.${key}`);
    };
    walk(attributes, "");
    return flat;
  }

  /** Fields that are not the same: with Envoy's value and ours. */
  async function differences(path: string, ask: Ask): Promise<Record<string, unknown>> {
    service.set({ answer: {} });
    await send("native", path, ask);
    const first = question();
    service.set({ answer: {} });
    await send("ours", path, ask);
    const second = question();
    const moving = /(^request\.time|\.portValue$|x-request-id|^request\.http\.id$)/;
    const names = new Set([...Object.keys(first), ...Object.keys(second)]);
    const found: Record<string, unknown> = {};
    for (const name of [...names].sort()) {
      if (moving.test(name)) assert.equal(name in first, name in second, name);
      else if (first[name] !== second[name]) found[name] = [first[name], second[name]];
    }
    return found;
  }

  test("the same as by Envoy's filter, but for the size of a body that is still to come", async () => {
    const asks: readonly (readonly [string, Ask])[] = [
      ["/", {}],
      ["/a/./b//c?c=d&e=%20", { method: "DELETE", headers }],
      ["/post", { method: "POST", body: "12345", headers: { "content-type": "text/plain" } }],
      [
        "/twice",
        { headers: { "x-a": ["1", "2", ""], cookie: ["a=1", "b=2"], "x-envoy-downstream-service-cluster": "front" } },
      ],
    ];
    for (const [path, ask] of asks) {
      const expected = path === "/post" ? { "request.http.size": [undefined, "5"] } : {};
      assert.deepEqual(await differences(path, ask), expected, path);
    }
  });
});

describe("over HTTP", () => {
  async function httpBoth(behaviour: HttpBehaviour, ask: Ask): Promise<[Outcome, Outcome, typeof httpService.calls]> {
    httpService.set(behaviour);
    const first = await send("nativeHttp", "/p?q=1", ask);
    const second = await send("oursHttp", "/p?q=1", ask);
    return [first, second, [...httpService.calls]];
  }
  const ask = { headers: { authorization: "Bearer t", "x-a": "1", "x-b": "2", "x-user": "client", "x-add": "0" } };

  test("a yes and a no do the same behind both", async () => {
    const [yes, oursYes, calls] = await httpBoth((_, response) => {
      response.writeHead(200, {
        "x-user": "alice",
        "x-add": "1",
        "x-reply": "y",
        "x-other": "z",
        "x-envoy-auth-headers-to-remove": "x-b",
      });
      response.end("ignored");
    }, ask);
    assert.deepEqual(oursYes, yes);
    assert.equal(oursYes.upstream?.headers["x-user"], "alice");
    const [nativeCall, oursCall] = calls;
    assert.deepEqual([nativeCall?.method, nativeCall?.url], ["GET", "/check/p?q=1"]);
    assert.deepEqual([oursCall?.method, oursCall?.url], ["GET", "/check/p?q=1"]);
    for (const name of ["host", "authorization", "x-a", "x-b", "x-user"]) {
      assert.equal(oursCall?.headers[name], nativeCall?.headers[name], name);
    }
    const [no, oursNo] = await httpBoth((_, response) => {
      response.writeHead(401, { "www-authenticate": "Custom", "x-why": "w", "content-type": "text/html" });
      response.end("go away");
    }, ask);
    assert.deepEqual([oursNo.status, oursNo.body], [no.status, no.body]);
    for (const name of ["www-authenticate", "x-why"]) assert.equal(oursNo.headers[name], no.headers[name], name);
  });

  test("a service that is late or fails is refused", async () => {
    for (const behaviour of [
      (_: unknown, response: { end: () => void }) => void setTimeout(() => response.end(), LATE),
      (request: { destroy: () => void }) => request.destroy(),
      (_: unknown, response: { writeHead: (status: number) => { end: () => void } }) => response.writeHead(500).end(),
    ] as const) {
      const [first, second] = await httpBoth(behaviour, ask);
      assert.deepEqual([first.status, second.status], [403, 403]);
    }
  });
});

test("answers that are kept cost no call, and are given to no other request", async () => {
  const asked = async (path: string, key: string): Promise<number> => {
    const before = service.calls.length;
    await send("cached", path, { headers: { "x-key": key } });
    return service.calls.length - before;
  };
  service.set({ answer: {} });
  assert.deepEqual([await asked("/a", "1"), await asked("/a", "1"), await asked("/a", "1")], [1, 0, 0]);
  assert.deepEqual([await asked("/b", "1"), await asked("/a", "2"), await asked("/a?x", "1")], [1, 1, 1]);
  service.set({ answer: { status: { code: 7 } } });
  assert.deepEqual([await asked("/no", "1"), await asked("/no", "1")], [1, 0]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await asked("/no", "1"), 1, "a no is kept for its own time");
  service.set({ code: Code.UNAVAILABLE });
  assert.deepEqual([await asked("/gone", "1"), await asked("/gone", "1")], [1, 1], "failures are not kept");
});

test("by precedence a yes goes on to the rules that deny and allow, and a no does not", async () => {
  service.set({ answer: {} });
  const statuses = async (): Promise<number[]> => {
    const all = [];
    for (const path of ["/open", "/debug", "/other"]) all.push((await send("precedence", path)).status);
    return all;
  };
  assert.deepEqual(await statuses(), [200, 403, 403]);
  assert.equal(service.calls.length, 3, "the service is asked first, as with Istio's CUSTOM");
  service.set({
    answer: {
      status: { code: 7 },
      httpResponse: { case: "deniedResponse", value: { status: { code: StatusCode.PaymentRequired } } },
    },
  });
  assert.deepEqual(await statuses(), [402, 402, 402]);
});

test("a refusal of our own is problem details to the client, and a gRPC status to a gRPC request", async () => {
  service.set({ bytes: Uint8Array.of(0xff) });
  const { status, headers: got, body } = await send("json", "/x");
  assert.deepEqual([status, got["content-type"]], [403, "application/problem+json"]);
  assert.deepEqual(JSON.parse(body ?? ""), {
    type: "about:blank",
    title: "Forbidden",
    status: 403,
    detail: "Authorization failed",
  });
  const grpcAsk = { method: "POST", headers: { "content-type": "application/grpc" } };
  const answer = await get(envoy.port("json"), "/s/M", grpcAsk);
  assert.deepEqual([answer.status, answer.headers["grpc-status"]], [200, "7"]);
});
