// What an operator sees, and what a refused client reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import {
  Authz,
  CLAIMS,
  TOKEN,
  apiKeys,
  bearer,
  everybody,
  key,
  outcome,
  provider,
  publicPath,
} from "../../testing/authz.ts";
import { schemaOf, type Worker } from "../../testing/filter.ts";
import { sign } from "../../testing/keys.ts";

const authz = new Authz();

const rules = [
  publicPath,
  { name: "closed", action: "deny", paths: [{ prefix: "/closed" }] },
  { name: "admin", action: "allow", paths: [{ prefix: "/admin" }], claims: [{ claim: "scope", contains: "admin" }] },
  { name: "members", action: "allow", paths: [{ prefix: "/m" }] },
];
const base = { apiKeys, jwtProviders: [provider], rules };

function lines(worker: Worker): unknown[] {
  return worker.log
    .filter(({ message }) => message.startsWith("{"))
    .map(({ message }) => JSON.parse(message) as unknown);
}

test("a decision is one line of JSON without secrets", async () => {
  for (const [decisions, count] of [
    ["none", 0],
    ["denied", 2],
    ["all", 3],
  ] as const) {
    const worker = await authz.worker({ ...base, log: { decisions } });
    worker.send({ path: "/m?access_token=s3cret", headers: [...key("billing-key"), ["cookie", "s3cret"]] });
    worker.send({ path: '/closed\u00e9"x', headers: [...bearer(), ["x-request-id", "id-1"]] });
    worker.send({ path: "/m", headers: key("s3cret") });
    assert.equal(lines(worker).length, count, decisions);
    const text = JSON.stringify(worker.log);
    for (const secret of ["s3cret", "billing-key", TOKEN]) assert.equal(text.includes(secret), false, secret);
    if (decisions !== "all") continue;
    assert.deepEqual(lines(worker)[0], {
      authz: "decision",
      decision: "allowed",
      rule: "members",
      principal: "billing",
      method: "GET",
      host: "a.example",
      path: "/m",
      source: "192.0.2.1:4711",
    });
    assert.deepEqual(lines(worker)[2], {
      authz: "decision",
      decision: "denied",
      reason: "bad_api_key",
      method: "GET",
      host: "a.example",
      path: "/m",
      source: "192.0.2.1:4711",
    });
  }
});

test("decisions are counted by rule where that is asked for", async () => {
  const worker = await authz.worker({ ...base, ruleMetrics: true });
  worker.send({ path: "/public" });
  worker.send({ path: "/public" });
  worker.send({ path: "/closed" });
  assert.equal(authz.envoy.metric("authz.rule.public.allowed"), 2);
  assert.equal(authz.envoy.metric("authz.rule.closed.denied"), 1);
  const plain = await authz.worker(base);
  plain.send({ path: "/public" });
  assert.equal(authz.envoy.metric("authz.rule.public.allowed"), 0);
});

test("the challenge names the scope that is missing", async () => {
  const worker = await authz.worker(base);
  const challenge = (path: string, token: string): string | undefined | null =>
    worker.send({ path, headers: bearer(token) }).localResponse?.headers.get("www-authenticate");
  assert.equal(
    challenge("/admin", TOKEN),
    'Bearer realm="envoy", error="insufficient_scope", error_description="The token lacks a scope", scope="admin"',
  );
  assert.equal(
    outcome(worker, { path: "/admin", headers: bearer(await sign("RS256", { ...CLAIMS, scope: "admin" })) }),
    "200",
  );
  assert.equal(challenge("/none", TOKEN) ?? undefined, undefined);
  assert.match(challenge("/m", "x") ?? "", /error="invalid_token", error_description="[^"]+"$/);
});

test("responses can be problem details, with texts and a status of one's own", async () => {
  const worker = await authz.worker({
    ...base,
    responses: { format: "json", unauthorized: 'who "are" you', forbidden: "nothing here", forbiddenStatus: 404 },
  });
  const body = (path: string): [string | undefined | null, unknown] => {
    const stream = worker.send({ path });
    return [stream.response.headers?.get("content-type"), JSON.parse(stream.localResponse?.body ?? "")];
  };
  const detail = (status: number, title: string, text: string): unknown => [
    "application/problem+json",
    { type: "about:blank", title, status, detail: text },
  ];
  assert.deepEqual(body("/m"), detail(401, "Unauthorized", 'who "are" you'));
  assert.deepEqual(body("/closed"), detail(404, "Not Found", "nothing here"));
  assert.deepEqual(body("/%00"), detail(400, "Bad Request", "Bad request: the path is ambiguous or malformed"));
});

test("a gRPC request gets a gRPC status", async () => {
  const worker = await authz.worker(base);
  for (const [path, status] of [
    ["/m", "16"],
    ["/closed", "7"],
    ["/%00", "3"],
  ] as const) {
    const { response } = worker.send({ path, method: "POST", headers: [["content-type", "application/grpc"]] });
    assert.equal(response.headers?.get(":status"), "200");
    assert.equal(response.headers.get("grpc-status") ?? response.trailers?.get("grpc-status"), status, path);
  }
});

test("in a dry run every request passes, with no more than an allowed one would have", async () => {
  const worker = await authz.worker({ ...base, dryRun: true, principalHeader: "x-caller", log: { decisions: "all" } });
  for (const [path, headers, reason] of [
    ["/m", [], "missing_credentials"],
    ["/closed", bearer(), "rule"],
    ["/m", bearer("x"), "token_malformed"],
    ["/m", key("x"), "bad_api_key"],
    ["/%00", [], "bad_path"],
    ["/none", key("billing-key"), "no_rule"],
  ] as const) {
    const before = authz.envoy.metric(`authz.denied.${reason}`);
    const stream = worker.send({ path, headers: [...headers, ["x-caller", "root"]] });
    assert.equal(stream.localResponse, undefined, reason);
    const upstream = stream.request.headers;
    assert.equal(upstream?.has("authorization"), false);
    assert.equal(upstream.has("x-api-key"), false);
    assert.notEqual(upstream.get("x-caller"), "root");
    assert.equal(authz.envoy.metric(`authz.denied.${reason}`), before + 1);
    assert.ok(JSON.stringify(lines(worker).at(-1)).includes(`"reason":"${reason}"`));
    assert.ok(JSON.stringify(lines(worker).at(-1)).includes(`"dryRun":true`));
  }
});

test("the schema knows what an operator can choose", async () => {
  const schema = await schemaOf("authz");
  for (const [fields, good] of [
    [{ dryRun: true, ruleMetrics: true, log: { decisions: "all", rules: true } }, true],
    [{ responses: { format: "json", unauthorized: "a", forbidden: "b", forbiddenStatus: 404 } }, true],
    [{ log: { decisions: "some" } }, false],
    [{ responses: { format: "xml" } }, false],
    [{ responses: { forbidden: "x".repeat(4097) } }, false],
    [{ responses: { forbiddenStatus: 200 } }, false],
    [{ dryRun: "yes" }, false],
  ] as const) {
    const whole = { ...base, ...fields };
    assert.equal(schema(whole), good, JSON.stringify(fields));
    if (good) await authz.worker(whole);
    else await assert.rejects(authz.worker(whole), JSON.stringify(fields));
  }
});

test("the rules that were looked at have a line each, with the first condition that does not hold", async () => {
  const worker = await authz.worker({
    apiKeys,
    jwtProviders: [provider],
    log: { rules: true },
    rules: [
      { name: "seen", action: "audit", methods: ["GET"], ...everybody },
      {
        name: "all",
        action: "allow",
        methods: ["GET"],
        paths: [{ prefix: "/m" }],
        claims: [
          { claim: "tenant.id", equals: 7 },
          { claim: "scope", contains: "admin" },
        ],
        headers: [
          { name: "x-a", present: true },
          { name: "x-b", present: true },
        ],
        not: { paths: [{ exact: "/m/x" }], claims: [{ claim: "sub", equals: "mallory" }] },
      },
      { name: "closed", action: "deny", paths: [{ prefix: "/closed" }] },
      { name: "after", action: "deny", paths: [{ prefix: "/closed" }] },
    ],
  });
  const admin = await sign("RS256", { ...CLAIMS, scope: "admin" });
  const mallory = await sign("RS256", { ...CLAIMS, scope: "admin", sub: "mallory" });
  const both = [
    ["x-a", ""],
    ["x-b", ""],
  ] as const;
  for (const [path, headers, failed] of [
    ["/closed", [], "paths"],
    ["/m", [], "principals"],
    ["/m", key("ci-key-new"), "claims[0]"],
    ["/m", bearer(TOKEN), "claims[1]"],
    ["/m", bearer(admin), "headers[0]"],
    ["/m", [...bearer(admin), ["x-a", ""]], "headers[1]"],
    ["/m/x", [...bearer(admin), ...both], "not.paths"],
    ["/m", [...bearer(mallory), ...both], "not.claims"],
    ["/m", [...bearer(admin), ...both], undefined],
  ] as const) {
    const from = lines(worker).length;
    worker.send({ path, headers });
    const line = (rule: string, reason?: string): object =>
      reason === undefined
        ? { authz: "rule", rule, matches: true }
        : { authz: "rule", rule, matches: false, failed: reason };
    const expected = [line("seen"), line("all", failed)];
    if (path === "/closed") expected.push(line("closed"));
    else if (failed !== undefined) expected.push(line("closed", "paths"), line("after", "paths"));
    assert.deepEqual(lines(worker).slice(from), expected, `${path} ${failed ?? ""}`);
  }
  const before = lines(worker).length;
  worker.send({ path: "/m", headers: bearer("x") });
  assert.equal(lines(worker).length, before, "a bad credential is refused before the rules");
});

test("behind an authorizer's yes, only the rules that are left have a line, of the caller that waited", async () => {
  const worker = await authz.worker({
    apiKeys,
    evaluation: "precedence",
    log: { rules: true, decisions: "all" },
    externalAuthorizers: [{ name: "opa", grpc: { cluster: "opa" } }],
    rules: [
      { name: "billing", action: "allow", principals: [{ apiKey: "billing" }] },
      { name: "no-ci", action: "deny", principals: [{ apiKey: "ci" }] },
      { name: "second", action: "external", authorizer: "opa", paths: [{ prefix: "/" }] },
      { name: "ask", action: "external", authorizer: "opa" },
    ],
  });
  const first = worker.open({ headers: key("billing-key") });
  const second = worker.open({ headers: key("ci-key-new") });
  const [one, two] = worker.grpcCalls;
  const asked = { authz: "rule", rule: "second", matches: true };
  assert.deepEqual(lines(worker), [asked, asked]);
  two?.reply(new Uint8Array());
  one?.reply(new Uint8Array());
  const summary = (lines(worker) as Record<string, unknown>[])
    .slice(2)
    .map(({ rule, matches, decision, principal }) => [rule, matches ?? decision, principal]);
  assert.deepEqual(summary, [
    ["no-ci", true, undefined],
    ["no-ci", "denied", "ci"],
    ["no-ci", false, undefined],
    ["billing", true, undefined],
    ["billing", "allowed", "billing"],
  ]);
  for (const stream of [first, second]) stream.close();
});

test("no log line of any level has a secret, or is more than one line", async () => {
  const host = await ProxyWasmHost.load(await authz.module, { logLevel: "trace" });
  const configuration = {
    ...base,
    apiKeys: { ...apiKeys, header: "x-key" },
    jwtProviders: [
      {
        ...provider,
        fromHeaders: [{ name: "authorization", prefix: "Bearer " }, { name: "x-token" }],
        claimToHeaders: [{ claim: "sub", header: "x-user" }],
      },
    ],
    externalAuthorizers: [{ name: "opa", grpc: { cluster: "opa" } }],
    rules: [
      { name: "ask", action: "external", authorizer: "opa", paths: [{ prefix: "/ask" }], ...everybody },
      ...rules,
    ],
    log: { decisions: "all", rules: true },
    ruleMetrics: true,
    principalHeader: "x-caller",
  };
  const hostile = 'a"}\n{"authz":"decision","decision":"allowed"}\r\u0000\u001b[2J';
  const named = await sign("RS256", { ...CLAIMS, sub: 'a"} {"authz":"decision"' });
  const secrets = [TOKEN, named, "billing-key", "s3cret", "c00kie", "an0ther"];
  const common = [
    ["cookie", "sid=c00kie"],
    ["x-request-id", hostile],
    ["x-forwarded-for", "an0ther"],
    ["x-caller", "an0ther"],
    ["proxy-authorization", "Basic an0ther"],
  ] as const;
  const credentials = [
    [],
    [["x-key", "billing-key"]],
    [["x-key", "s3cret"]],
    [
      ["x-key", "s3cret"],
      ["x-key", "billing-key"],
    ],
    [["authorization", `Bearer ${TOKEN}`]],
    [["authorization", `Bearer ${named}`]],
    [["authorization", `Bearer ${TOKEN}s3cret`]],
    [["authorization", "Bearer s3cret"]],
    [["authorization", "Basic s3cret"]],
    [["x-token", TOKEN]],
    [
      ["x-token", TOKEN],
      ["authorization", `Bearer ${TOKEN}`],
    ],
  ] as const;
  for (const decided of [{}, { dryRun: true }, { responses: { format: "json" } }]) {
    const plugin = host.startPlugin({ configuration: JSON.stringify({ ...configuration, ...decided }) });
    assert.ok(plugin.ok, plugin.reason);
    for (const path of ["/m", "/admin", "/closed", "/ask", "/none", "/%00", `/${hostile}`, `/m${"x".repeat(5000)}`]) {
      for (const headers of credentials) {
        const stream = plugin.newHttpStream();
        const target = `${path}?access_token=${TOKEN}&k=s3cret#an0ther`;
        const pseudo = [
          [":method", path === "/m" ? hostile : "GET"],
          [":path", target],
          [":authority", hostile],
        ] as const;
        stream.requestHeaders([...pseudo, ...common, ...headers], { endOfStream: true });
        plugin.grpcCalls[0]?.end({ status: 14, message: "s3cret" });
        stream.close();
      }
    }
    assert.equal(plugin.trap, undefined);
  }
  const { lines: all } = host.log;
  assert.ok(all.length > 500 && all.some(({ level }) => level === "debug"));
  for (const { message, source } of all) {
    if (source !== "module") continue;
    for (const secret of secrets) assert.equal(message.includes(secret), false, `${secret} in ${message}`);
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(message, /[\u0000-\u001f\u007f]/);
    assert.ok(message.length < 8000);
    if (!message.startsWith("{")) continue;
    const line = JSON.parse(message) as Record<string, unknown>;
    assert.ok(line["authz"] === "rule" || typeof line["decision"] === "string", message);
  }
  host.close();
});
