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
import { canaryText, carefulText, serviceText, startPlane, type TestPlane } from "../observe/testdata/plane.ts";
import { createResource, TypeUrl } from "../xds/index.ts";
import { loadModel, type Asset } from "../model/index.ts";
import type { SidecarReport, StatusReport } from "../api/index.ts";
import { formatTrace } from "../cli/trace.ts";
import { until } from "../../test/support/until.ts";
import { resourceJson, type ConfigDump, type Trace } from "./index.ts";
import { redactJson } from "./secrets-in-json.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

function shown<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>, toViewer = false): string {
  const bytes = toBinary(schema, create(schema, message));
  return JSON.stringify(
    resourceJson(createResource("r", `type.googleapis.com/${schema.typeName}`, bytes), {
      showsConfigurations: !toViewer,
    }),
  );
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

  test("what the schema of a filter says is only written, whatever it is called", () => {
    const parsed = loadModel(
      [
        {
          path: "m.yaml",
          text: "apiVersion: meshwright.dev/v1alpha1\nkind: WasmModule\nmetadata: { name: m }\nspec: { file: m.wasm, schema: s.json }\n",
        },
      ],
      new Map<string, Asset>([
        ["m.wasm", { ok: true }],
        ["s.json", { ok: true, text: `{"properties": {"pepper": {"type": "string", "writeOnly": true}}}` }],
      ]),
    );
    assert.ok(parsed.ok);
    const value = JSON.stringify({ pepper: "hidden", color: "red" });
    const configuration = anyPack(StringValueSchema, create(StringValueSchema, { value }));
    const wasm = anyPack(WasmSchema, create(WasmSchema, { config: { configuration } }));
    const message = create(TypedExtensionConfigSchema, { name: "f", typedConfig: wasm });
    const bytes = toBinary(TypedExtensionConfigSchema, message);
    const resource = createResource("f", TypeUrl.extensionConfig, bytes);
    const text = JSON.stringify(
      resourceJson(resource, { showsConfigurations: true, origins: [...parsed.model.wasmModules.values()] }),
    );
    assert.match(text, /"pepper":"\[redacted\]","color":"red"/);
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
    // What was refused together is sent again in parts, until it is known what each of them is refused for.
    const errorDetail = { code: 13, message: "port is taken" };
    const refuseAll = async (): Promise<never> => {
      for (;;) stream.send({ typeUrl: TypeUrl.listener, responseNonce: (await stream.next()).nonce, errorDetail });
    };
    refuseAll().catch(() => undefined);
    await until(async () => {
      const { resources = [] } = (await dump("node=web-1&type=LDS")).types[0] ?? {};
      return resources.length > 0 && resources.every(({ rejection }) => rejection?.shared === false);
    }, 10_000);

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

describe("a sidecar that a Rollout holds back", () => {
  const held = (timeout: string): string =>
    serviceText("web", 8000) + serviceText("db", 8010) + canaryText(timeout) + carefulText;
  let plane: TestPlane;
  before(async () => {
    plane = await startPlane(held("1s"));
  });
  after(() => plane.close());

  const traced = async (resource: string): Promise<Trace> => {
    const query = new URLSearchParams({ node: "web-1", resource });
    return JSON.parse((await plane.get(`/api/v1/trace?${query.toString()}`)).body) as Trace;
  };

  test("has the version that all had, and the trace says why", async () => {
    const before = await traced("HTTPRoute/canary");
    assert.deepEqual(before.heldBack, []);
    assert.equal(before.resources[0]?.heldBack, undefined);
    await plane.change(held("2s"));
    const { resources, heldBack } = await traced("HTTPRoute/canary");
    const [hold] = heldBack;
    assert.deepEqual(
      [heldBack.length, hold?.rollout, hold?.targets, hold?.why],
      [1, "careful", ["HTTPRoute/canary"], "it waits for meshwright rollout start careful"],
    );
    assert.notEqual(hold?.has, hold?.wanted);
    const [route] = resources;
    assert.equal(route?.version, before.resources[0]?.version);
    assert.ok(typeof route?.heldBack?.version === "string" && route.heldBack.version !== route.version);
    assert.equal((await traced("RouteConfiguration/outbound")).heldBack.length, 1);
    // What is no matter of the Rollout is not held.
    assert.deepEqual((await traced("Listener/inbound")).heldBack, []);
    assert.match(
      formatTrace(await traced("Rollout/careful")).join("\n"),
      /Rollout careful holds it at version [0-9a-f]{12} instead of/,
    );
  });

  test("that is to get what it has nothing of yet is told of it", async () => {
    const both = held("1s").replace("name: canary }]\n", "name: canary }, { kind: HTTPRoute, name: extra }]\n");
    const extra = held("9s")
      .split("---\n")
      .find((text) => text.includes("name: canary }\nspec:\n  parentRefs"));
    await plane.change(`${both}---\n${(extra ?? "").replace("canary", "extra")}`);
    assert.deepEqual(plane.plane.refused, []);
    const { source, resources, heldBack, notes } = await traced("HTTPRoute/extra");
    assert.equal(source?.resource, "HTTPRoute/extra");
    assert.deepEqual([resources, notes], [[], []]);
    assert.deepEqual(heldBack[0]?.targets, ["HTTPRoute/extra"]);
  });
});

describe("a sidecar that does not answer", () => {
  test("is behind since it was sent what it has not answered", async () => {
    const plane = await startPlane(serviceText("web", 8000));
    try {
      const lag = async (): Promise<SidecarReport["lag"]> => {
        const { sidecars } = JSON.parse((await plane.get("/api/v1/status")).body) as StatusReport;
        return sidecars.find(({ node }) => node === "web-1")?.lag;
      };
      const sent = Date.now();
      const stream = plane.connect("web-1", TypeUrl.cluster);
      const { nonce } = await stream.next();
      const behind = await lag();
      assert.deepEqual(behind?.types, ["envoy.config.cluster.v3.Cluster"]);
      assert.ok(Date.parse(behind.since) >= sent - 1 && Date.parse(behind.since) <= Date.now());
      stream.send({ typeUrl: TypeUrl.cluster, responseNonce: nonce });
      for (let i = 0; i < 500 && (await lag()) !== undefined; i++) await sleep(10);
      assert.equal(await lag(), undefined);
    } finally {
      await plane.close();
    }
  });
});
