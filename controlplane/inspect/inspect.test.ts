import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "#gen/envoy/config/core/v3/extension_pb.js";
import { WasmSchema } from "#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { JwtAuthenticationSchema } from "#gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.js";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { serviceText, startPlane, type TestPlane } from "../observe/testdata/plane.ts";
import { createResource, TypeUrl } from "../xds/index.ts";
import { resourceJson, type ConfigDump, type Trace } from "./index.ts";
import { redactJson } from "./secrets-in-json.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

function shown<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>, toViewer = false): string {
  const bytes = toBinary(schema, create(schema, message));
  return JSON.stringify(resourceJson(createResource("r", `type.googleapis.com/${schema.typeName}`, bytes), !toViewer));
}

describe("what is shown of a resource", () => {
  test("a certificate, without its key", () => {
    const text = shown(SecretSchema, {
      name: "s",
      type: {
        case: "tlsCertificate",
        value: {
          certificateChain: { specifier: { case: "inlineString", value: "the chain" } },
          privateKey: { specifier: { case: "inlineBytes", value: Buffer.from("the key") } },
          password: { specifier: { case: "inlineString", value: "the password" } },
        },
      },
    });
    assert.match(text, /the chain/);
    assert.doesNotMatch(text, /the key|the password|dGhlIGtleQ/);
  });

  test("a generic secret and session ticket keys are not", () => {
    const inline = { specifier: { case: "inlineString", value: "hidden" } } as const;
    assert.doesNotMatch(shown(SecretSchema, { type: { case: "genericSecret", value: { secret: inline } } }), /hidden/);
    assert.doesNotMatch(
      shown(SecretSchema, { type: { case: "sessionTicketKeys", value: { keys: [inline] } } }),
      /hidden/,
    );
  });

  test("headers that are added, without those that let in", () => {
    const text = shown(RouteConfigurationSchema, {
      requestHeadersToAdd: [
        { header: { key: "Authorization", value: "Basic hidden" } },
        { header: { key: "x-api-key", rawValue: Buffer.from("hidden") } },
        { header: { key: "x-team", value: "shop" } },
      ],
    });
    assert.doesNotMatch(text, /hidden|aGlkZGVu/);
    assert.match(text, /shop/);
  });

  test("keys that a text holds: of JSON Web Keys the public part, within an extension", () => {
    const jwks = {
      keys: [
        { kty: "oct", k: "hidden", kid: "one" },
        { kty: "RSA", n: "public", e: "AQAB", d: "hidden" },
      ],
    };
    const filter = create(JwtAuthenticationSchema, {
      providers: {
        p: {
          jwksSourceSpecifier: {
            case: "localJwks",
            value: { specifier: { case: "inlineString", value: JSON.stringify(jwks) } },
          },
        },
      },
    });
    const text = shown(TypedExtensionConfigSchema, {
      name: "f",
      typedConfig: anyPack(JwtAuthenticationSchema, filter),
    });
    assert.doesNotMatch(text, /hidden/);
    assert.match(text, /public/);
  });

  test("the configuration of a Wasm filter as JSON, without secrets", () => {
    const configuration = {
      jwtProviders: [{ name: "p", localJwks: { keys: [{ kty: "oct", k: "hidden" }] } }],
      basic: { users: [{ name: "joe", salt: "hidden", hash: "hidden" }] },
      apiKeys: [{ name: "partner", sha256: "hidden" }],
      clientSecret: "hidden",
      secrets: { one: "hidden", more: ["hidden"] },
      pem: KEY,
      tokenBucket: { maxTokens: 5, fillInterval: "60s" },
      rules: [{ header: "x-token", exact: "gold" }],
    };
    const wasm: MessageInitShape<typeof TypedExtensionConfigSchema> = {
      name: "f",
      typedConfig: anyPack(
        WasmSchema,
        create(WasmSchema, {
          config: {
            configuration: anyPack(
              StringValueSchema,
              create(StringValueSchema, { value: JSON.stringify(configuration) }),
            ),
          },
        }),
      ),
    };
    const toViewer = shown(TypedExtensionConfigSchema, wasm, true);
    assert.match(toViewer, /"configuration":\{"@type":"[^"]*StringValue","value":"\[redacted\]"\}/);
    assert.doesNotMatch(toViewer, /joe|gold|MIIB/);
    const text = shown(TypedExtensionConfigSchema, wasm);
    assert.doesNotMatch(text, /hidden|MIIB/);
    for (const kept of ["joe", "partner", '"maxTokens":5', "60s", "gold"]) assert.ok(text.includes(kept), kept);
  });

  const keys: [key: string, isSecret: boolean][] = [
    ["password", true],
    ["PASSWORD", true],
    ["db_password", true],
    ["clientSecret", true],
    ["client-secrets", true],
    ["accessToken", true],
    ["token", true],
    ["hmacKey", true],
    ["private_key", true],
    ["tokenBucket", false],
    ["tokensPerFill", false],
    ["secretary", false],
    ["key", false],
    ["cookie", false],
  ];
  for (const [key, isSecret] of keys) {
    test(`a text under ${key} is ${isSecret ? "left out" : "shown"}`, () => {
      assert.deepEqual(redactJson({ [key]: { a: ["x", 1] } }), { [key]: { a: [isSecret ? "[redacted]" : "x", 1] } });
    });
  }
});

const mesh = `${serviceText("web", 8000)}${serviceText("db", 8010)}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: canary }
spec:
  parentRefs: [{ group: "", kind: Service, name: db }]
  rules: [{ backendRefs: [{ name: db, port: 80 }] }]
`;

describe("a sidecar of a control plane", () => {
  let plane: TestPlane;
  before(async () => {
    plane = await startPlane(mesh);
  });
  after(() => plane.close());

  const dump = async (query: string): Promise<ConfigDump> =>
    JSON.parse((await plane.get(`/api/v1/config?${query}`)).body) as ConfigDump;
  const traced = async (resource: string): Promise<Trace> => {
    const query = new URLSearchParams({ node: "web-1", resource });
    return JSON.parse((await plane.get(`/api/v1/trace?${query.toString()}`)).body) as Trace;
  };

  test("that never connected: what it would be served", async () => {
    const { connected, service, types } = await dump("node=web-1");
    assert.deepEqual([connected, service], [false, "web"]);
    const clusters = types.find(({ type }) => type === "envoy.config.cluster.v3.Cluster");
    assert.deepEqual(
      clusters?.resources.map(({ name, state, resource }) => [name, state, resource?.["@type"]]),
      ["inbound|web|8000", "outbound|db|80", "outbound|web|80"].map((name) => [
        name.replace("8000", "80"),
        undefined,
        TypeUrl.cluster,
      ]),
    );
    const { resources } = await traced("HTTPRoute/canary");
    assert.deepEqual(
      resources.map(({ type, name, state }) => [type, name, state]),
      [["RouteConfiguration", "outbound", undefined]],
    );
  });

  test("where each resource comes from: all that it is made of, with its place", async () => {
    const { source } = await traced("HTTPRoute/canary");
    assert.equal(
      source?.at,
      `mesh.yaml:${String(mesh.split("\n").findIndex((line) => line.startsWith("apiVersion: gateway")) + 1)}:1`,
    );
    const { resources } = await traced("RouteConfiguration/outbound");
    assert.deepEqual(
      resources[0]?.from.map(({ resource }) => resource),
      ["Service/db", "Service/web", "HTTPRoute/canary"],
    );
    const own = await traced("Service/web");
    assert.deepEqual(own.resources.map(({ type, name }) => `${type} ${name}`).sort(), [
      "Cluster inbound|web|80",
      "Cluster outbound|web|80",
      "ClusterLoadAssignment outbound|web|80",
      "Listener inbound",
      "Listener outbound",
      "RouteConfiguration inbound|web",
      "RouteConfiguration outbound",
    ]);
    const other = await traced("Service/db");
    assert.ok(other.resources.every(({ type }) => type !== "Listener"));
  });

  test("that accepted one and rejected another: versions, times and Envoy's words", async () => {
    const stream = plane.connect("web-1", TypeUrl.cluster);
    const clusters = await stream.next();
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: clusters.nonce });
    stream.send({ typeUrl: TypeUrl.listener });
    const listeners = await stream.next();
    stream.send({
      typeUrl: TypeUrl.listener,
      responseNonce: listeners.nonce,
      errorDetail: { code: 13, message: "port is taken" },
    });
    for (let i = 0; i < 100 && (await traced("Listener/inbound")).resources[0]?.rejection === undefined; i++)
      await sleep(10);

    const [cluster] = (await traced("inbound|web|80")).resources;
    assert.equal(cluster?.state, "synced");
    assert.equal(cluster.acked, cluster.version);
    assert.equal(cluster.version, clusters.resources.find(({ name }) => name === "inbound|web|80")?.version);
    assert.ok(Math.abs(Date.parse(cluster.acceptedAt ?? "") - Date.now()) < 60_000);

    const { types, connected } = await dump("node=web-1&type=LDS");
    assert.equal(connected, true);
    assert.deepEqual(
      types.map(({ type }) => type),
      ["envoy.config.listener.v3.Listener"],
    );
    for (const { state, rejection, acked } of types[0]?.resources ?? []) {
      assert.equal(state, "rejected");
      assert.equal(acked, undefined);
      assert.equal(rejection?.message, "port is taken");
      assert.equal(rejection.shared, true);
    }
  });

  const faults: [path: string, status: number, error: RegExp][] = [
    ["/api/v1/config", 400, /^node: expected/],
    ["/api/v1/config?node=nobody", 404, /"nobody".*there are: db-1, web-1/],
    ["/api/v1/config?node=web-1&type=Clusters", 400, /found "Clusters", expected one of .*Cluster/],
    ["/api/v1/trace?node=web-1", 400, /^resource: expected/],
    ["/api/v1/trace?node=web-1&resource=Service/shop", 404, /no Service\/shop; there are: Service\/db, Service\/web/],
    ["/api/v1/trace?node=web-1&resource=x", 404, /nothing called "x"; there are: .*Listener\/inbound/],
    ["/api/v1/trace?node=%ff&resource=%", 404, /no Service has/],
  ];
  for (const [path, status, error] of faults) {
    test(`${path}: ${String(status)}`, async () => {
      const answer = await plane.get(path);
      assert.equal(answer.status, status);
      assert.match((JSON.parse(answer.body) as { error: string }).error, error);
    });
  }
});
