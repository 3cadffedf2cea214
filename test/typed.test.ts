// The typed parts of the SDK, in the Node host and in a real Envoy side by side.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { EnvoyRunner } from "./support/envoy-runner.ts";
import type { Runner } from "./support/exchange.ts";
import { HostRunner } from "./support/host-runner.ts";
import type { Case } from "./support/sdk/case.ts";
import type { PluginSetting } from "./support/sdk/plugins.ts";
import { bodiesCases, chunkCases, heldHeadersCases, lengthOnlyCases } from "./support/typed/bodies.ts";
import { TypedEnvoy } from "./support/typed/envoy.ts";
import { envoyCases, valuesCases } from "./support/typed/values.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-typed-"));
const module = join(folder, "typed.wasm");
before(() => compile("test/fixtures/typed.ts", module));
after(() => rmSync(folder, { recursive: true }));

const plugins = (allowOnHeadersStopIteration: boolean): PluginSetting[] => [
  { name: "scenarios", rootId: "typed", configuration: {}, allowOnHeadersStopIteration },
];

function check(name: string, start: () => Promise<Runner>, cases: readonly Case[]): void {
  describe(name, () => {
    let runner: Runner;
    before(async () => {
      runner = await start();
    });
    after(() => runner.stop());
    for (const [i, { exchange, expected }] of cases.entries()) {
      test(`${i + 1} ${exchange.scenario}`, async () => assert.deepEqual(await runner.run(exchange), expected));
    }
  });
}

const inHost = (allow: boolean) => (): Promise<Runner> => HostRunner.start(readFileSync(module), plugins(allow));
const inEnvoy = (allow: boolean) => (): Promise<Runner> => EnvoyRunner.start(module, plugins(allow));

check("values and bodies in the Node host", inHost(false), [...valuesCases, ...bodiesCases, ...chunkCases]);
check("values and bodies in Envoy", inEnvoy(false), [
  ...valuesCases,
  ...bodiesCases,
  ...lengthOnlyCases,
  ...envoyCases,
]);
check("headers that wait for the body, in the Node host", inHost(true), heldHeadersCases);
check("headers that wait for the body, in Envoy", inEnvoy(true), heldHeadersCases);

describe("what only Envoy has", () => {
  let envoy: TypedEnvoy;
  before(async () => {
    envoy = await TypedEnvoy.start(module);
  });
  after(() => envoy.stop());

  test("metadata in every form that JSON has, and what Envoy is configured with", async () => {
    assert.deepEqual(await envoy.log("metadata"), [
      "text é",
      "number 2.0",
      "fraction 2.5",
      "bool true",
      "null null",
      "absent null",
      "no namespace null",
      "dotted of dots",
      "object key=value number=\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?, of it value",
      "list = b=, of it b null",
      "with null null",
      "dynamic set before",
      "node a-node",
      "node, field 1: a-node",
      "route a-route of all",
      "direction 2",
      "cluster app",
      "host of the host",
      "attempts 1",
      "details via_upstream 0",
      "duration true",
    ]);
  });

  test("every attribute is there, with the size of its type", async () => {
    const seen = new Map((await envoy.log("read-all")).map((line) => line.split(" ") as [string, string]));
    const absent = [...seen].filter(([, size]) => size === "absent").map(([name]) => name);
    assert.deepEqual(absent, ["request.useragent", "filter_state", "upstream_filter_state"]);
    const words = [...seen].filter(([name]) =>
      /(port|_bytes|time|duration|size|code|flags|_status|latency|count|_endpoints|direction|connection\.id)$/.test(
        name,
      ),
    );
    assert.equal(words.length, 20);
    for (const [name, size] of words) assert.equal(size, "8", name);
    assert.equal(seen.get("connection.mtls"), "1");
  });

  test("certificates of both connections", async () => {
    assert.deepEqual(await envoy.log("tls", { tls: true }), [
      "mtls true",
      "server name a.example",
      "version TLSv1.3",
      "subject CN=client",
      "own subject CN=a.example",
      "DNS names client.example",
      "own DNS names a.example",
      "URIs spiffe://example/client",
      "own URIs null",
      `digest ${envoy.clientDigest}`,
      "failure null",
      "termination null",
      "upstream version TLSv1.3",
      "upstream subject CN=a.example",
      "upstream own subject CN=client",
      "upstream DNS names a.example",
      "upstream own DNS names client.example",
      "upstream URIs null",
      "upstream own URIs spiffe://example/client",
      `upstream digest ${envoy.serverDigest}`,
      "upstream failure ",
    ]);
  });

  test("state of a connection is there for its next request", async () => {
    const [first, second] = await envoy.logsOfOneConnection("state", 2);
    assert.ok(first?.includes("of the connection null Ok"));
    assert.ok(second?.includes("of the connection kept Ok"));
  });

  test("tags are Prometheus labels", async () => {
    await envoy.log("families");
    const metrics = await envoy.prometheus("typed_");
    const path = "/a.b%3Bc=%22d%22%5C%20%25%C3%A9=";
    // Histograms follow only when Envoy next adds them up.
    const histogram = /^typed_sizes_/;
    assert.deepEqual(
      metrics.filter((line) => !histogram.test(line)),
      [
        'typed_levels{kind="a"} 3',
        'typed_levels{kind="b"} 0',
        `typed_requests{method="GET",status="200",path="${path}"} 2`,
        'typed_requests{method="GET",status="200",path="/seen%20at%200"} 0',
        `typed_requests{method="GET",status="404",path="${path}"} 1`,
        'typed_requests{method="PUT",status="",path=""} 1',
        'typed_requests{method="PUT",status="0",path="a"} 1',
        `typed_requests{method="${"x".repeat(99)}",status="",path=""} 0`,
        `typed_requests{method="${"x".repeat(100)}",status="",path=""} 1`,
      ].sort(),
    );
    for (const line of metrics.filter((line) => histogram.test(line))) assert.match(line, /\{kind="a"[,}]/);
  });

  test("workers count together, none of it lost", async () => {
    assert.equal(await envoy.countTogether(200), 20_000);
  });

  test("access logs see filter state", async () => {
    await envoy.log("state");
    const state = await envoy.accessLog(/^access plain=b /);
    assert.deepEqual(
      new Set(state),
      new Set([
        "access plain=b typed-plain=" +
          bytes("Yg==") +
          " text=é typed-text=" +
          bytes("w6k=") +
          " once=first message=" +
          `{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"k":"v"}}`,
      ]),
    );
  });
});

const bytes = (value: string): string =>
  `{"@type":"type.googleapis.com/google.protobuf.BytesValue","value":"${value}"}`;
