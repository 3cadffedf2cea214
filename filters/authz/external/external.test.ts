// External decisions, with the test as the authorizer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  CheckRequestSchema,
  CheckResponseSchema,
  type CheckRequest,
} from "../../../controlplane/gen/envoy/service/auth/v3/external_auth_pb.js";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../../controlplane/gen/envoy/config/core/v3/base_pb.js";
import { Authz, apiKeys, everybody, key, publicPath, type Headers } from "../../testing/authz.ts";
import { schemaOf, statusOf, type Request, type Worker } from "../../testing/filter.ts";

const authz = new Authz();

const external = { name: "ask", action: "external", authorizer: "opa" };
const opa = { name: "opa", grpc: { cluster: "opa" } };

const configuration = (authorizer: object = {}, more: object = {}): object => ({
  externalAuthorizers: [{ ...opa, ...authorizer }],
  rules: [publicPath, external],
  ...more,
});

type Init = MessageInitShape<typeof CheckResponseSchema>;
const encode = (response: Init): Uint8Array => toBinary(CheckResponseSchema, create(CheckResponseSchema, response));
const option = (key: string, value: string, appendAction = Append.OVERWRITE_IF_EXISTS_OR_ADD) => ({
  header: { key, value },
  appendAction,
});
const ok = (value: object = {}): Init => ({ status: { code: 0 }, httpResponse: { case: "okResponse", value } });
const denied = (value: object = {}): Init => ({ status: { code: 7 }, httpResponse: { case: "deniedResponse", value } });

/** The stream of a request after the authorizer's answer. */
function answered(worker: Worker, response: Init | Uint8Array, request: Request = {}) {
  const stream = worker.open(request);
  const [call] = worker.grpcCalls;
  assert.ok(call, "the authorizer is asked");
  call.reply(response instanceof Uint8Array ? response : encode(response));
  if (stream.localResponse === undefined) stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
  stream.close();
  return stream;
}

function outcome(stream: ReturnType<Worker["open"]>): string {
  const details = stream.localResponse?.details.replace("authz.denied.", " ") ?? "";
  return `${String(statusOf(stream))}${details}`;
}

function question(worker: Worker): CheckRequest {
  const message = worker.grpcCalls[0]?.messages[0];
  assert.ok(message);
  return fromBinary(CheckRequestSchema, message);
}

test("the authorizer gets the request as Envoy sends it", async () => {
  const worker = await authz.worker(configuration({ timeout: "250ms", contextExtensions: { route: "a", empty: "" } }));
  const headers: Headers = [
    ["x-a", "1"],
    ["x-b", "2"],
    ["x-a", "3"],
    ["x-request-id", "id-1"],
    ["x-envoy-downstream-service-cluster", "front"],
  ];
  const stream = worker.open({ path: "/a?b=c", method: "POST", authority: "b.example", headers });
  const [call] = worker.grpcCalls;
  assert.equal(call?.path, "/envoy.service.auth.v3.Authorization/Check");
  assert.equal(call.cluster, "opa");
  assert.equal(call.timeoutMs, 250);
  const { attributes } = question(worker);
  const http = attributes?.request?.http;
  assert.deepEqual(
    [http?.method, http?.path, http?.host, http?.id, http?.query, http?.fragment],
    ["POST", "/a?b=c", "b.example", "id-1", "", ""],
  );
  assert.equal(http?.headers["x-a"], "1,3");
  assert.equal(http.headers["x-b"], "2");
  assert.equal(http.headers[":path"], "/a?b=c");
  assert.deepEqual(attributes?.contextExtensions, { route: "a", empty: "" });
  assert.equal(attributes.source?.service, "front");
  const address = attributes.source.address?.address;
  assert.ok(address?.case === "socketAddress");
  assert.equal(address.value.address, "192.0.2.1");
  stream.close();
});

test("what the authorizer says is done", async () => {
  const worker = await authz.worker(configuration());
  const request: Request = {
    path: "/x?a=1&b=2",
    headers: [
      ["x-set", "client"],
      ["x-plain", "client"],
      ["x-add", "client"],
      ["x-gone", "1"],
    ],
  };
  const stream = answered(
    worker,
    ok({
      headers: [
        option("x-set", "new"),
        { header: { key: "x-add", value: "more" }, append: true },
        { header: { key: "x-plain", value: "new" } },
        option("x-add", "never", Append.ADD_IF_ABSENT),
        option("x-absent", "there", Append.ADD_IF_ABSENT),
        option("x-none", "never", Append.OVERWRITE_IF_EXISTS),
        { header: { key: "x-old", value: "set" }, append: false },
      ],
      headersToRemove: ["x-gone"],
      responseHeadersToAdd: [option("x-reply", "yes"), option("x-two", "2", Append.APPEND_IF_EXISTS_OR_ADD)],
      queryParametersToSet: [{ key: "c", value: "d e" }],
      queryParametersToRemove: ["a"],
    }),
    request,
  );
  assert.equal(statusOf(stream), 200);
  const upstream = stream.request.headers;
  assert.ok(upstream);
  assert.deepEqual(upstream.getAll("x-set"), ["new"]);
  assert.deepEqual(
    upstream.getAll("x-plain"),
    ["new"],
    "a header that vouches for the client takes the client's place",
  );
  assert.deepEqual(upstream.getAll("x-add").join(","), "client,more");
  assert.equal(upstream.get("x-absent"), "there");
  assert.equal(upstream.has("x-none"), false);
  assert.equal(upstream.get("x-old"), "set");
  assert.equal(upstream.has("x-gone"), false);
  assert.match(upstream.get(":path") ?? "", /^\/x\?b=2&c=d(\+|%20)e$/);
  assert.equal(stream.response.headers?.get("x-reply"), "yes");
  assert.equal(stream.response.headers.get("x-two"), "2");

  const other = worker.send({ path: "/public" });
  assert.equal(other.response.headers?.has("x-reply"), false);
  assert.equal(worker.grpcCalls.length, 0, "a rule before it needs no authorizer");

  const no = answered(worker, denied({ status: { code: 429 }, headers: [option("retry-after", "1")], body: "later" }));
  assert.equal(outcome(no), "429 external[ask]");
  assert.equal(no.localResponse?.headers.get("retry-after"), "1");
  assert.equal(outcome(answered(worker, { status: { code: 7 } })), "403 external[ask]");
  assert.equal(outcome(answered(worker, {})), "200", "no status is OK, as in Envoy");
});

test("answers that ask for what must not be done are refused, also when failures let pass", async () => {
  const worker = await authz.worker(configuration({ onError: "allow", statusOnError: 500 }));
  const bad: Record<string, Init | Uint8Array> = {
    pseudo: ok({ headers: [option(":path", "/admin")] }),
    host: ok({ headers: [option("host", "evil")] }),
    length: ok({ headers: [option("content-length", "5")] }),
    "name with a blank": ok({ headers: [option("x y", "1")] }),
    "empty name": ok({ headers: [option("", "1")] }),
    "name that is not ASCII": ok({ headers: [option("x-ā", "1")] }),
    "value with a line break": ok({ headers: [option("x-a", "1\r\nx-admin: 1")] }),
    "response header": ok({ responseHeadersToAdd: [option("a\nb", "1")] }),
    "removal of the host": ok({ headersToRemove: ["host"] }),
    "removal of a pseudo-header": ok({ headersToRemove: [":method"] }),
    "denied header": denied({ headers: [option("x", "\0")] }),
    "status of no response": denied({ status: { code: 100 } }),
    // The action is what stands last.
    "unknown action": encode(ok({ headers: [option("x-a", "1", Append.OVERWRITE_IF_EXISTS)] })).with(-1, 9),
    "too many": ok({ headers: Array.from({ length: 300 }, (_, i) => option(`x-${String(i)}`, "1")) }),
    "no message": Uint8Array.of(0xff),
    "cut off": encode(ok({ headers: [option("x-a", "1")] })).slice(0, -1),
  };
  for (const [name, response] of Object.entries(bad)) {
    assert.equal(outcome(answered(worker, response)), "500 external_bad_answer[ask]", name);
  }
  assert.equal(worker.trap, undefined);
});

test("only a service that cannot be reached is a failure that may let pass", async () => {
  for (const [onError, status, expected] of [
    ["deny", 14, "503 external_unavailable[ask]"],
    ["allow", 14, "200"],
    ["allow", 4, "200"],
    ["allow", 1, "200"],
    ["deny", 13, "503 external_bad_answer[ask]"],
    ["allow", 13, "503 external_bad_answer[ask]"],
    ["allow", 3, "503 external_bad_answer[ask]"],
    ["allow", 2, "503 external_bad_answer[ask]"],
    ["allow", 8, "503 external_bad_answer[ask]"],
    ["allow", 7, "503 external_bad_answer[ask]"],
  ] as const) {
    const worker = await authz.worker(configuration({ onError, statusOnError: 503 }));
    const stream = worker.open();
    worker.grpcCalls[0]?.end({ status });
    if (stream.localResponse === undefined) stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
    assert.equal(outcome(stream), expected, `${onError} ${String(status)}`);
    stream.close();
  }
});

test("a client cannot make a message that the authorizer cannot read", async () => {
  const worker = await authz.worker(configuration({ onError: "allow" }));
  const stream = worker.open({ headers: [["x-a", Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xc3)]] });
  assert.equal(question(worker).attributes?.request?.http?.headers["x-a"], "a!é!");
  stream.close();
});

test("tries share one timeout, and end with an answer", async () => {
  const worker = await authz.worker(configuration({ timeout: "100ms", retries: 2 }));
  let stream = worker.open();
  authz.envoy.clock.advance(40);
  worker.grpcCalls[0]?.end({ status: 14 });
  assert.equal(worker.grpcCalls[0]?.timeoutMs, 60);
  worker.grpcCalls[0].reply(encode(ok()));
  stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
  assert.equal(outcome(stream), "200");
  stream.close();

  stream = worker.open();
  for (let i = 0; i < 3; ++i) worker.grpcCalls[0].end({ status: 14 });
  assert.equal(worker.grpcCalls.length, 0);
  assert.equal(outcome(stream), "403 external_unavailable[ask]");
  stream.close();

  stream = worker.open();
  authz.envoy.clock.advance(100);
  assert.equal(worker.grpcCalls.length, 0, "no time is left for another try");
  assert.equal(outcome(stream), "403 external_unavailable[ask]");
  stream.close();

  stream = worker.open();
  worker.grpcCalls[0].reply(encode(denied()));
  assert.equal(worker.grpcCalls.length, 0, "a denial is an answer");
  stream.close();
});

test("many requests are held at once, each gets its own answer, and some are gone by then", async () => {
  const worker = await authz.worker(
    configuration({}, { apiKeys, principalHeader: "x-caller", rules: [{ ...external, ...everybody }] }),
  );
  const streams = Array.from({ length: 300 }, (_, i) =>
    worker.open({ headers: key(i % 2 ? "billing-key" : "ci-key-old") }),
  );
  const calls = [...worker.grpcCalls];
  assert.equal(calls.length, 300);
  streams.forEach((stream, i) => {
    if (i % 3 === 0) stream.close();
  });
  calls.forEach((call, i) => {
    if (call.pending) call.reply(encode(i % 5 ? ok() : denied()));
  });
  streams.forEach((stream, i) => {
    if (i % 3 === 0) return;
    if (i % 5) {
      assert.equal(stream.localResponse, undefined);
      assert.equal(stream.request.headers?.get("x-caller"), i % 2 ? "billing" : "ci");
      assert.equal(stream.request.headers.has("x-api-key"), false);
    } else assert.equal(stream.localResponse?.details, "authz.denied.external[ask]");
    stream.close();
  });
  assert.equal(worker.trap, undefined);
});

test("answers are kept by the chosen attributes, for their time", async () => {
  const cache = {
    key: [{ header: "x-a" }, { header: "x-b" }, { path: true }],
    ttl: "10s",
    deniedTtl: "1s",
    entries: 2,
  };
  const worker = await authz.worker(configuration({ cache }));
  const asks = (headers: Headers, path = "/"): boolean => {
    const stream = worker.open({ path, headers });
    const asked = worker.grpcCalls.length > 0;
    worker.grpcCalls[0]?.reply(encode(path === "/no" ? denied({ status: { code: 418 } }) : ok()));
    assert.equal(stream.localResponse?.details, path === "/no" ? "authz.denied.external[ask]" : undefined);
    stream.close();
    return asked;
  };
  assert.equal(
    asks([
      ["x-a", "1"],
      ["x-b", "2"],
    ]),
    true,
  );
  assert.equal(
    asks([
      ["x-a", "1"],
      ["x-b", "2"],
      ["x-c", "3"],
    ]),
    false,
  );
  // None of these is the same, though all of their values joined are.
  assert.equal(asks([["x-a", "12"]]), true);
  assert.equal(asks([["x-b", "12"]]), true);
  assert.equal(
    asks([
      ["x-a", "1"],
      ["x-a", "2"],
    ]),
    true,
  );
  assert.equal(
    asks([
      ["x-a", "1"],
      ["x-b", "2"],
    ]),
    true,
    "two entries at most",
  );
  authz.envoy.clock.advance(10_000);
  assert.equal(
    asks([
      ["x-a", "1"],
      ["x-b", "2"],
    ]),
    true,
    "its time is over",
  );
  assert.equal(asks([], "/no"), true);
  assert.equal(asks([], "/no"), false);
  authz.envoy.clock.advance(1000);
  assert.equal(asks([], "/no"), true);
  authz.envoy.clock.advance(1000);
  const stream = worker.open({ path: "/no" });
  worker.grpcCalls[0]?.end({ status: 14 });
  stream.close();
  assert.equal(asks([], "/no"), true, "failures are not kept");
});

test("no two requests share a key by accident", async () => {
  const cache = { key: [{ header: "x-a" }, { header: "x-b" }], entries: 10_000 };
  const worker = await authz.worker(configuration({ cache }));
  const seen = new Set<string>();
  const values = fc.array(fc.stringMatching(/^[ab]{0,3}$/), { maxLength: 3 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const headers = [...a.map((value) => ["x-a", value] as const), ...b.map((value) => ["x-b", value] as const)];
      const stream = worker.open({ headers });
      const asked = worker.grpcCalls.length > 0;
      worker.grpcCalls[0]?.reply(encode(ok()));
      stream.close();
      const id = JSON.stringify([a, b]);
      assert.equal(asked, !seen.has(id));
      seen.add(id);
    }),
  );
});

test("nothing that an authorizer sends traps", async () => {
  const worker = await authz.worker(configuration({ onError: "allow" }));
  const good = encode(ok({ headers: [option("x-a", "1")], responseHeadersToAdd: [option("x-b", "2")] }));
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.with(at, byte)),
    fc.nat(good.length).map((size) => good.slice(0, size)),
  );
  fc.assert(
    fc.property(hostile, (bytes) => {
      answered(worker, bytes);
      assert.equal(worker.trap, undefined);
    }),
  );
});

test("an authorizer over HTTP", async () => {
  const http = {
    cluster: "auth",
    pathPrefix: "/check",
    upstreamHeaders: ["x-user"],
    upstreamHeadersToAppend: ["x-add"],
    clientHeaders: ["x-why"],
    clientHeadersOnSuccess: ["x-reply"],
    headersToAdd: [{ name: "x-from", value: "envoy" }],
  };
  const worker = await authz.worker({
    externalAuthorizers: [{ name: "opa", http, requestHeaders: ["x-a"], onError: "allow", statusOnError: 500 }],
    rules: [external],
  });
  const ask = (response: { headers?: Record<string, string>; body?: string } | undefined) => {
    const stream = worker.open({
      path: "/p?q",
      headers: [
        ["x-a", "1"],
        ["x-b", "2"],
        ["authorization", "Bearer t"],
        ["x-user", "client"],
        ["x-add", "0"],
      ],
    });
    const [call] = worker.httpCalls;
    assert.ok(call);
    const { headers } = call;
    assert.equal(headers.get(":path"), "/check/p?q");
    assert.equal(headers.get(":authority"), "a.example");
    assert.equal(headers.get("x-a"), "1");
    assert.equal(headers.get("x-from"), "envoy");
    assert.equal(headers.get("authorization"), "Bearer t");
    assert.equal(headers.has("x-b"), false);
    if (response === undefined) call.fail();
    else call.respond(response);
    if (stream.localResponse === undefined) stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
    stream.close();
    return stream;
  };
  const yes = ask({
    headers: {
      ":status": "200",
      "x-user": "alice",
      "x-add": "1",
      "x-reply": "y",
      "x-other": "z",
      "x-envoy-auth-headers-to-remove": "x-b, x-a",
    },
  });
  assert.equal(outcome(yes), "200");
  assert.equal(yes.request.headers?.get("x-user"), "alice");
  assert.equal(yes.request.headers.getAll("x-add").join(","), "0,1");
  assert.equal(
    yes.request.headers.has("x-b") || yes.request.headers.has("x-a") || yes.request.headers.has("x-other"),
    false,
  );
  assert.equal(yes.response.headers?.get("x-reply"), "y");
  const no = ask({
    headers: { ":status": "401", "www-authenticate": "Custom", "x-why": "w", "x-other": "z" },
    body: "go away",
  });
  assert.equal(outcome(no), "401 external[ask]");
  assert.equal(no.localResponse?.headers.get("www-authenticate"), "Custom");
  assert.equal(no.localResponse.headers.get("x-why"), "w");
  assert.equal(no.localResponse.headers.has("x-other"), false);
  assert.equal(outcome(ask(undefined)), "200");
  assert.equal(outcome(ask({ headers: { ":status": "503" } })), "200");
  assert.equal(outcome(ask({ headers: { ":status": "500" } })), "500 external_bad_answer[ask]");
  assert.equal(
    outcome(ask({ headers: { ":status": "200", "x-envoy-auth-headers-to-remove": ":path" } })),
    "500 external_bad_answer[ask]",
  );
});

test("the schema and the filter agree on what is a good authorizer", async () => {
  const schema = await schemaOf("authz");
  const grpc = { cluster: "opa" };
  const http = { cluster: "opa" };
  for (const [authorizer, good, more] of [
    [{ grpc }, true],
    [{ http, requestHeaders: ["x-a"], retries: 5, timeout: "1m", onError: "allow", statusOnError: 599 }, true],
    [
      { grpc, cache: { key: [{ method: true }, { clientAddress: true }, { principal: true }], deniedEntries: 0 } },
      true,
    ],
    [{}, false],
    [{ grpc, http }, false],
    [{ grpc: {} }, false],
    [{ grpc, retries: 6 }, false],
    [{ grpc, timeout: "x" }, false],
    [{ grpc, statusOnError: 200 }, false],
    [{ grpc, onError: "maybe" }, false],
    [{ grpc, cache: {} }, false],
    [{ grpc, cache: { key: [] } }, false],
    [{ grpc, cache: { key: [{ path: false }] } }, false],
    [{ grpc, cache: { key: [{ path: true, header: "x" }] } }, false],
    [{ http: { cluster: "a", pathPrefix: "check" } }, false],
    [{ grpc, unknown: 1 }, false],
    [{ grpc, contextExtensions: { a: 1 } }, false],
    [{ grpc }, false, { rules: [{ name: "a", action: "external" }] }],
    [{ grpc }, false, { rules: [{ name: "a", action: "allow", authorizer: "opa" }] }],
  ] as const) {
    const whole = { externalAuthorizers: [{ name: "opa", ...authorizer }], rules: [external], ...more };
    const name = JSON.stringify(whole);
    assert.equal(schema(whole), good, name);
    if (good) await authz.worker(whole);
    else await assert.rejects(authz.worker(whole), name);
  }
  const twice = { externalAuthorizers: [opa, opa], rules: [external] };
  await assert.rejects(authz.worker(twice), /name/);
  await assert.rejects(authz.worker({ ...twice, externalAuthorizers: [] }), /authorizer/);
});

test("over HTTP, each try is of its own request, and nothing of another", async () => {
  const http = { cluster: "auth", headersToAdd: [{ name: "x-from", value: "envoy" }] };
  const worker = await authz.worker({
    externalAuthorizers: [{ name: "opa", http, requestHeaders: ["X-A", "x-from"], retries: 1 }],
    rules: [external],
  });
  const first = worker.open({
    method: "POST",
    path: "/first",
    authority: "first.example",
    headers: [
      ["x-a", "1"],
      ["x-a", "2"],
      ["x-from", "client"],
      ["authorization", "Bearer first"],
    ],
  });
  const second = worker.open({ path: "/second", headers: [] });
  const asked = (i: number) => {
    const headers = worker.httpCalls[i]?.headers;
    assert.ok(headers);
    return {
      line: `${headers.get(":method") ?? ""} ${headers.get(":authority") ?? ""}${headers.get(":path") ?? ""}`,
      a: headers.getAll("x-a").join(),
      from: headers.getAll("x-from").join(),
      authorization: headers.get("authorization"),
    };
  };
  const ofFirst = {
    line: "POST first.example/first",
    a: "1,2",
    // What the client sends under the name of ours takes no place of it.
    from: "client,envoy",
    authorization: "Bearer first",
  };
  const ofSecond = { line: "GET a.example/second", a: "", from: "envoy", authorization: undefined };
  assert.deepEqual([asked(0), asked(1)], [ofFirst, ofSecond]);
  worker.httpCalls[0]?.fail();
  assert.deepEqual([asked(0), asked(1)], [ofSecond, ofFirst], "the first asks again");
  worker.httpCalls[1]?.respond({ headers: { ":status": "200" } });
  worker.httpCalls[0]?.respond({ headers: { ":status": "403" } });
  assert.equal(outcome(second), "403 external[ask]");
  first.responseHeaders({ ":status": "200" }, { endOfStream: true });
  assert.equal(outcome(first), "200");
  first.close();
  second.close();
});
