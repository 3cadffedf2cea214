// `meshwright authz explain` and `test`, as a person or a pipeline runs them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ISSUER, apiKeys, provider, sha256 } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { RSA_JWK, sign } from "../filters/testing/keys.ts";
import { root } from "../setup/paths.mjs";
import { Explainer, type Explanation } from "../controlplane/authz/index.ts";

let folder: string;
const at = (name: string): string => join(folder, name);
const module = join(root, "build", "authz.wasm");

before(async () => {
  await filterModule("authz");
  folder = mkdtempSync(join(tmpdir(), "meshwright-explain-"));
  writeFileSync(at("authz.json"), JSON.stringify(configuration));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const configuration = {
  apiKeys,
  jwtProviders: [{ ...provider, algorithms: ["RS256"], claimToHeaders: [{ claim: "sub", header: "x-user" }] }],
  externalAuthorizers: [
    { name: "grpc", grpc: { cluster: "g" }, retries: 5 },
    { name: "http", http: { cluster: "h" }, retries: 1 },
  ],
  rules: [
    {
      name: "team",
      action: "deny",
      headers: [{ name: "x-team", exact: "hush-hush" }],
      query: [{ name: "k", exact: "hush" }],
    },
    { name: "no-post", action: "deny", methods: ["POST"], not: { paths: [{ prefix: "/posts" }] } },
    { name: "g", action: "external", authorizer: "grpc", paths: [{ prefix: "/g" }] },
    { name: "h", action: "external", authorizer: "http", paths: [{ prefix: "/h" }] },
    {
      name: "scoped",
      action: "allow",
      paths: [{ prefix: "/scoped" }],
      claims: [
        { claim: "scope", contains: "a" },
        { claim: "level", equals: 3 },
      ],
    },
    { name: "members", action: "allow", paths: [{ prefix: "/m" }] },
  ],
};

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function authz(...args: string[]): Promise<Ran> {
  const command = ["controlplane/bin/meshwright.js", "authz", ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

const explain = (...args: string[]): Promise<Ran> => authz("explain", at("authz.json"), "--module", module, ...args);

async function explained(...args: string[]): Promise<Explanation & { code: number }> {
  const { code, out, err } = await explain("--json", ...args);
  assert.equal(err, "");
  const [first] = JSON.parse(out) as Explanation[];
  assert.ok(first);
  return { ...first, code };
}

describe("explain", { concurrency: 2 }, () => {
  test("each rule has the first condition that does not hold, and the exit status is the decision", async () => {
    const { rules, ...rest } = await explained(
      "--request",
      "GET /scoped/x?k=v",
      "--token",
      "corp",
      "--claims",
      '{"sub":"al","scope":"a b"}',
    );
    assert.deepEqual(
      rules.map(({ name, matches, failed, condition }) => [name, matches, failed, condition]),
      [
        // The conditions are in the order in which the filter looks at them.
        ["team", false, "query", [{ name: "k", exact: "..." }]],
        ["no-post", false, "methods", ["POST"]],
        ["g", false, "paths", [{ prefix: "/g" }]],
        ["h", false, "paths", [{ prefix: "/h" }]],
        ["scoped", false, "claims[1]", { claim: "level", equals: 3 }],
        ["members", false, "paths", [{ prefix: "/m" }]],
      ],
    );
    assert.deepEqual(
      [rest.code, rest.decision, rest.reason, rest.rule, rest.principal, rest.response?.status],
      [1, "denied", "no_rule", undefined, `${ISSUER}/al`, 403],
    );
    const not = await explained("--request", "POST /posts/1", "--api-key", "ci");
    assert.equal(not.rules[1]?.failed, "not.paths");
    assert.deepEqual(not.rules[1].condition, [{ prefix: "/posts" }]);
  });

  test("an allowed request, and what the upstream gets", async () => {
    const result = await explained(
      "--request",
      "GET /m",
      "--token",
      "corp",
      "--claims",
      '{"sub":"al"}',
      "-H",
      "x-user: root",
    );
    assert.deepEqual([result.code, result.decision, result.rule], [0, "allowed", "members"]);
    assert.deepEqual(result.upstream?.set, [["x-user", "al"]]);
    assert.deepEqual(result.upstream.removed, ["authorization"]);
    assert.equal(result.response, undefined);
  });

  test("a credential of one's own", async () => {
    const now = Math.floor(Date.now() / 1000);
    const token = await sign("RS256", { iss: ISSUER, sub: "own", exp: now + 60 });
    const good = await explained("--request", "GET /m", "-H", `authorization: Bearer ${token}`);
    assert.deepEqual([good.code, good.principal], [0, `${ISSUER}/own`]);
    const later = await explained(
      "--request",
      "GET /m",
      "-H",
      `authorization: Bearer ${token}`,
      "--at",
      "2100-01-01T00:00:00Z",
    );
    assert.deepEqual([later.code, later.reason, later.rules], [1, "token_expired", []]);
    const bad = await explained("--request", "GET /m", "-H", "x-api-key: nope");
    assert.deepEqual([bad.code, bad.reason, bad.response?.status], [1, "bad_api_key", 401]);
  });

  test("an external authorizer is asked, and answers as it is told to", async () => {
    const answers = [
      [undefined, "undecided", undefined],
      ["allow", "allowed", undefined],
      ["deny", "denied", "external"],
      ["unavailable", "denied", "external_unavailable"],
    ] as const;
    const asked = ["g", "h"].flatMap((rule) => answers.map(([external]) => ({ request: `GET /${rule}`, external })));
    writeFileSync(at("asked.json"), JSON.stringify({ requests: asked }));
    const { code, out } = await explain("--requests", at("asked.json"), "--json");
    assert.equal(code, 1, "one is denied");
    assert.deepEqual(
      (JSON.parse(out) as Explanation[]).map(({ decision, reason, rule, external }) => [
        decision,
        reason,
        rule,
        external,
      ]),
      ["g", "h"].flatMap((rule) =>
        answers.map(([answer, decision, reason]) => {
          const authorizer = rule === "g" ? "grpc" : "http";
          return [decision, reason, rule, answer === undefined ? { authorizer } : { authorizer, answer }];
        }),
      ),
    );
    assert.equal((await explain("--request", "GET /g")).code, 3);
    assert.equal((await explain("--request", "GET /g", "--external", "allow")).code, 0);
  });

  test("nothing secret is printed", async () => {
    const token = await sign("RS256", { iss: ISSUER, sub: "own", exp: Math.floor(Date.now() / 1000) + 60 });
    const secrets = [token, token.split(".")[2] ?? "", "ck-1", "q-1", "hush", "key-1", "t-1"];
    const headers = { cookie: "sid=ck-1", "x-other": "t-1" };
    const requests = ["/m", "/scoped", "/g", "/%00"].flatMap((path) => [
      { request: `GET ${path}?access_token=q-1#q-1`, headers: { ...headers, authorization: `Bearer ${token}` } },
      { request: `GET ${path}?k=q-1`, headers: { ...headers, "x-api-key": "key-1" } },
      { request: `GET ${path}?k=q-1`, headers: { ...headers, authorization: `Bearer ${token}x` } },
    ]);
    writeFileSync(at("secrets.json"), JSON.stringify({ requests }));
    const text = await explain("--requests", at("secrets.json"));
    const json = await explain("--requests", at("secrets.json"), "--json");
    const fault = await explain("-H", "cookie sid=ck-1");
    assert.equal((JSON.parse(json.out) as unknown[]).length, requests.length);
    for (const { out, err } of [text, json, fault]) {
      for (const secret of secrets) assert.equal(`${out}${err}`.includes(secret), false, secret);
    }
  });

  test("faults are told with the exit status 2", async () => {
    writeFileSync(at("bad.json"), JSON.stringify({ ...configuration, rules: [{ name: "a", action: "alow" }] }));
    writeFileSync(at("bad.yaml"), "requests:\n  - reqest: GET /\n    source: 1\n");
    writeFileSync(at("broken.json"), "{");
    for (const [args, message] of [
      [["explain", at("absent.json")], /absent\.json: cannot read the configuration: there is no such file/],
      [["explain", at("broken.json")], /broken\.json:1:\d+: /],
      [["explain", at("authz.json"), "--module", at("no.wasm")], /no\.wasm: cannot read the module.*--module/],
      [["explain", at("bad.json"), "--module", module], /rules\[0\]\.action: expected .*"alow"/],
      [
        ["explain", at("authz.json"), "--module", module, "--requests", at("bad.yaml")],
        /bad\.yaml:2:5: requests\[0\].*reqest/,
      ],
      [
        ["explain", at("authz.json"), "--module", module, "--token", "nobody"],
        /no JWT provider of the name "nobody"; it has corp/,
      ],
      [
        ["explain", at("authz.json"), "--module", module, "--api-key", "x"],
        /no API key of the name "x"; it has billing, ci/,
      ],
      [["explain", at("authz.json"), "--module", module, "--at", "today"], /at: expected a time such as .*"today"/],
      [
        ["explain", at("authz.json"), "--module", module, "--source", "somewhere:x"],
        /source: expected an IP address, .*"somewhere:x"/,
      ],
      [["explain", at("authz.json"), "--module", module, "--claims", "{}"], /--token says who the issuer is/],
      [["explain", at("authz.json"), "--module", module, "--claims", "1"], /expected an object in JSON/],
      [
        ["explain", at("authz.json"), "--module", module, "--request", "GET"],
        /--request: expected a method and a target/,
      ],
      [["explain", at("authz.json"), "--module", module, "-H", "x"], /-H: expected a header line/],
      [["explain", at("authz.json"), "--module", module, "--jwks", "x"], /--jwks: expected CLUSTER=FILE/],
      [["explain", at("authz.json"), "--unknown"], /unknown option/],
    ] as const) {
      const { code, out, err } = await authz(...args);
      assert.deepEqual([code, out], [2, ""], args.join(" "));
      assert.match(err, message);
    }
  });

  test("a mesh's folder: its FilterPolicy and its module", async () => {
    mkdirSync(at("mesh"));
    copyFileSync(module, at("mesh/authz.wasm"));
    const resource = (kind: string, name: string, spec: object): string =>
      JSON.stringify({
        apiVersion: kind === "Service" || kind === "X" ? "v1" : "meshwright.dev/v1alpha1",
        kind,
        metadata: { name },
        spec,
      });
    const policy = (name: string): string =>
      resource("FilterPolicy", name, { targetRefs: [{ name: "web" }], module: "authz", configuration });
    const service = resource("Service", "web", {
      port: 80,
      endpoints: [
        { address: "127.0.0.1", port: 9000, sidecar: { node: "web-1", inboundPort: 9001, address: "127.0.0.1" } },
      ],
    }).replace('"v1"', '"meshwright.dev/v1alpha1"');
    writeFileSync(
      at("mesh/mesh.yaml"),
      [service, resource("WasmModule", "authz", { file: "authz.wasm" }), policy("one")].join("\n---\n"),
    );
    const { code, out, err } = await authz("explain", at("mesh"), "--request", "GET /m", "--api-key", "billing");
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /allowed by the rule members/);
    writeFileSync(at("mesh/more.yaml"), policy("two"));
    const two = await authz("explain", at("mesh"));
    assert.equal(two.code, 2);
    assert.match(two.err, /there are one, two; choose with --policy/);
    assert.equal(
      (await authz("explain", at("mesh"), "--policy", "two", "--api-key", "ci", "--request", "GET /m")).code,
      0,
    );
    assert.match((await authz("explain", at("mesh"), "--policy", "three")).err, /no FilterPolicy three/);
  });
});

describe("test", { concurrency: 2 }, () => {
  const table = (expect: unknown): string =>
    JSON.stringify({
      configuration: "authz.json",
      defaults: { apiKey: "ci" },
      requests: [
        { name: "posting", request: "POST /m", expect: "denied" },
        { name: "reading", request: "GET /m", expect },
      ],
    });

  test("what is not as expected is told, with why", async () => {
    writeFileSync(at("good.yaml"), table({ decision: "allowed", rule: "members", principal: "ci" }));
    writeFileSync(at("wrong.yaml"), table({ decision: "denied", rule: "no-post", status: 403 }));
    const good = await authz("test", at("good.yaml"), "--module", module);
    assert.deepEqual(good, { code: 0, out: "2 as expected, 0 not\n", err: "" });
    const both = await authz("test", at("good.yaml"), at("wrong.yaml"), "--module", module);
    assert.equal(both.code, 1);
    assert.match(both.out, /wrong\.yaml: reading\n {2}decision: expected "denied", found "allowed"\n/);
    assert.match(both.out, /rule: expected "no-post", found "members"\n {2}status: expected 403, found null\n/);
    assert.match(both.out, /members +allow: matches/);
    assert.match(both.out, /3 as expected, 1 not\n$/);
  });

  test("another configuration than the table names", async () => {
    writeFileSync(at("table.yaml"), table("allowed"));
    const next = {
      ...configuration,
      apiKeys: { keys: [{ name: "ci", sha256: sha256("x") }] },
      rules: configuration.rules.slice(0, 2),
    };
    writeFileSync(at("next.json"), JSON.stringify(next));
    const { code, out } = await authz("test", at("table.yaml"), "--configuration", at("next.json"), "--module", module);
    assert.equal(code, 1);
    assert.match(out, /reading\n {2}decision: expected "allowed", found "denied"\n/);
    assert.match(out, /denied: no_rule\n/);
  });

  test("a table without expectations is a fault", async () => {
    writeFileSync(at("none.yaml"), JSON.stringify({ configuration: "authz.json", requests: [{ request: "GET /" }] }));
    const { code, err } = await authz("test", at("none.yaml"), "--module", module);
    assert.equal(code, 2);
    assert.match(err, /requests\[0\] GET \/: expect is missing/);
  });
});

test("credentials are made for every place that the filter looks into", async () => {
  const explainer = await Explainer.create({
    module: await filterModule("authz"),
    configuration: {
      apiKeys: { fromCookies: ["key"], keys: [{ name: "ci", sha256: sha256("x") }] },
      basic: { iterations: 2, users: [{ name: "ann", salt: "00".repeat(16), hash: "00".repeat(32) }] },
      jwtProviders: [
        { ...provider, fromParams: ["token"], types: ["at+jwt"], maxLifetime: "5m" },
        { name: "far", issuer: "https://far.example", remoteJwks: { cluster: "far", path: "/jwks" } },
      ],
      rules: [{ name: "members", action: "allow" }],
    },
  });
  for (const [request, principal] of [
    [{ apiKey: "ci" }, "ci"],
    [{ user: "ann" }, "user:ann"],
    [{ token: { provider: "corp", claims: { sub: "al" } }, request: "GET /?a=b#c" }, `${ISSUER}/al`],
    [{ token: { provider: "far", claims: { sub: "bo" } } }, "https://far.example/bo"],
  ] as const) {
    const explanation = await explainer.explain(request);
    assert.deepEqual([explanation.decision, explanation.principal], ["allowed", principal], JSON.stringify(request));
  }
  const token = await sign("RS256", { iss: "https://far.example", sub: "x", exp: Math.floor(Date.now() / 1000) + 60 });
  const held = { headers: { authorization: `Bearer ${token}` } };
  await assert.rejects(explainer.explain(held), /waits for keys .* --jwks far=FILE/);
  const answers = new Map([["far", JSON.stringify({ keys: [RSA_JWK] })]]);
  const configuration = {
    jwtProviders: [{ name: "far", issuer: "https://far.example", remoteJwks: { cluster: "far", path: "/jwks" } }],
    rules: [{ name: "members", action: "allow" }],
  };
  const given = await Explainer.create({ module: await filterModule("authz"), configuration }, answers);
  assert.equal((await given.explain(held)).principal, "https://far.example/x");
});
