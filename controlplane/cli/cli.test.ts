import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapJson, createBootstrap, grpcBootstrap, writePemFiles } from "../bootstrap/index.ts";
import { formatHostPort } from "../control/index.ts";
import { formatLimits } from "./limits.ts";
import { parseHostPort } from "./parse-host-port.ts";
import { formatStatus } from "./status.ts";

describe("addresses", () => {
  const good: [text: string, host: string, port: number][] = [
    ["18000", "127.0.0.1", 18000],
    ["control-plane:18000", "control-plane", 18000],
    ["10.0.0.1:1", "10.0.0.1", 1],
    ["[::1]:65535", "::1", 65535],
  ];
  for (const [text, host, port] of good) {
    test(`${text} is ${host}, ${String(port)}`, () => {
      assert.deepEqual(parseHostPort(text), { host, port });
      assert.deepEqual(parseHostPort(formatHostPort({ host, port })), { host, port });
    });
  }
  for (const text of ["", "host", "host:", ":1", "host:65536", "host:-1", "a b:1", "::1:80", "host:1x"]) {
    test(`"${text}" is refused`, () => {
      assert.throws(() => parseHostPort(text), /expected HOST:PORT/);
    });
  }
});

describe("bootstrap", () => {
  const options = {
    node: "web-1",
    service: "web",
    xds: { host: "10.0.0.1", port: 18000 },
    http: { host: "10.0.0.1", port: 18001 },
    statsIntervalMs: 500,
  };

  test("says who the sidecar is and where its control plane is, and opens nothing", () => {
    const json = bootstrapJson(createBootstrap({ ...options, protocol: "delta" }));
    assert.deepEqual(json["node"], { id: "web-1", cluster: "web" });
    assert.equal(json["admin"], undefined);
    assert.equal(json["statsFlushInterval"], "0.500s");
    assert.deepEqual(Object.keys(json["staticResources"] as object), ["clusters"]);
  });

  for (const [protocol, apiType] of [
    ["delta", "DELTA_GRPC"],
    ["sotw", "GRPC"],
  ] as const) {
    test(`${protocol} is ${apiType}`, () => {
      const json = bootstrapJson(createBootstrap({ ...options, protocol }));
      assert.equal((json["dynamicResources"] as { adsConfig: { apiType: string } }).adsConfig.apiType, apiType);
    });
  }

  for (const [reconnectMs, retryBackOff] of [
    [undefined, { baseInterval: "0.500s", maxInterval: "5s" }],
    [60_000, { baseInterval: "0.500s", maxInterval: "60s" }],
    [200, { baseInterval: "0.200s", maxInterval: "0.200s" }],
  ] as const) {
    test(`it waits ${String(reconnectMs ?? 5_000)} ms at most between two tries to reach its control plane`, () => {
      const reconnect = reconnectMs === undefined ? {} : { reconnectMs };
      const json = bootstrapJson(createBootstrap({ ...options, ...reconnect, protocol: "delta" }));
      const { adsConfig } = json["dynamicResources"] as { adsConfig: { grpcServices: [{ envoyGrpc: object }] } };
      assert.deepEqual(adsConfig.grpcServices[0].envoyGrpc, {
        clusterName: "meshwright-xds",
        retryPolicy: { retryBackOff },
      });
    });
  }
});

describe("the bootstrap of a gRPC client", () => {
  const options = { node: "web-1", service: "web", xds: { host: "::1", port: 18000 } };

  test("has what gRPC's proposals A27 and A65 name", () => {
    const files = { certificate: "/c.pem", privateKey: "/k.pem", trust: "/t.pem" };
    const config = {
      certificate_file: "/c.pem",
      private_key_file: "/k.pem",
      ca_certificate_file: "/t.pem",
      refresh_interval: "60s",
    };
    assert.deepEqual(grpcBootstrap({ ...options, files }), {
      xds_servers: [
        { server_uri: "[::1]:18000", channel_creds: [{ type: "tls", config }], server_features: ["xds_v3"] },
      ],
      node: { id: "web-1", cluster: "web", locality: {} },
    });
    const [server] = grpcBootstrap(options)["xds_servers"] as [{ channel_creds: unknown }];
    assert.deepEqual(server.channel_creds, [{ type: "insecure" }]);
  });

  test("names files that only their owner may read, or those that there are", () => {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-pem-"));
    try {
      const keyPair = { certificate: "a certificate", privateKey: "a key" };
      const made = writePemFiles(join(folder, "made"), { keyPair }, { text: "an authority" });
      assert.deepEqual(
        [made.certificate, made.privateKey, made.trust].map((file) => [
          readFileSync(file, "utf8"),
          statSync(file).mode & 0o777,
        ]),
        [
          ["a certificate", 0o600],
          ["a key", 0o600],
          ["an authority", 0o600],
        ],
      );
      const files = { certificate: join(folder, "own.pem"), privateKey: join(folder, "own.key") };
      writeFileSync(files.certificate, "theirs");
      const given = writePemFiles(folder, { files }, { file: join(folder, "trust.pem") });
      assert.deepEqual(given, { ...files, trust: join(folder, "trust.pem") });
      assert.equal(readFileSync(files.certificate, "utf8"), "theirs");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("limits for people", () => {
  const one = {
    limit: "per-user",
    allowed: 50,
    limited: 3,
    shadowLimited: 0,
    allowedPerSecond: 2,
    limitedPerSecond: 0.1,
  };
  assert.deepEqual(formatLimits({ sidecars: 1, limits: [one], exempt: 4 }), [
    "LIMIT     ALLOWED/S  LIMITED/S  ALLOWED  LIMITED  SHADOW",
    "per-user  2.0        0.1        50       3        0",
    "",
    "4 requests were exempt",
    "",
    "told by 1 sidecar; the keys of limits for the whole fleet: meshwright quota",
  ]);
  assert.deepEqual(formatLimits({ sidecars: 0, limits: [], exempt: 0 }), ["no sidecar has told of a limit yet"]);
});

test("status for people: columns, rejections with Envoy's words, and what is refused", () => {
  const lines = formatStatus({
    configuration: { appliedAt: null, refused: ["mesh.yaml:1:1: spec: wrong"], kept: [], leftOut: [], ending: [] },
    sidecars: [
      {
        node: "web-1",
        service: "web",
        state: "faulty",
        envoy: "1.40.0",
        protocol: "delta",
        lag: { since: "2026-01-01T00:00:00.000Z", seconds: 12.34, types: ["envoy.config.listener.v3.Listener"] },
        traffic: { requestsPerSecond: 200, errors5xxPerSecond: 3, memoryBytes: 15 * 2 ** 20 },
        filters: [{ policy: "authz", version: "v", module: "0123456789abcdef", delivery: "synced", running: "loaded" }],
        rejections: [
          { type: "envoy.config.listener.v3.Listener", resource: "inbound", version: "v", message: "in use", at: "" },
        ],
      },
      { node: "a-node-of-long-name", service: "db", state: "missing", filters: [], rejections: [] },
    ],
  });
  assert.deepEqual(lines, [
    "NODE                 SERVICE  ENVOY   XDS    STATE    LAG     REQ/S  5XX     MEMORY    FILTERS",
    "web-1                web      1.40.0  delta  faulty   12.3 s  200.0  1.50 %  15.0 MiB  authz loaded (01234567)",
    "a-node-of-long-name  db                      missing  -       -      -       -         none",
    "",
    "web-1 rejected envoy.config.listener.v3.Listener inbound:",
    "  in use",
    "",
    "The latest change is refused, and what was served before is still served:",
    "  mesh.yaml:1:1: spec: wrong",
  ]);
});

test("status for people: what is served in place of what is faulty", () => {
  const fault = "mesh.yaml:1:1: spec: wrong";
  const lines = formatStatus({
    configuration: {
      appliedAt: null,
      refused: [fault],
      kept: [{ resource: "FilterPolicy/authz", fault }],
      leftOut: [{ resource: "Service/new", with: "FilterPolicy/authz", fault }],
      ending: [
        { certificate: "Certificate/old", endsAt: "2000-01-01T00:00:00.000Z" },
        { certificate: "the authority", endsAt: "9999-01-01T00:00:00.000Z" },
      ],
    },
    sidecars: [],
  });
  assert.deepEqual(lines.slice(1), [
    "",
    "Faulty, while all else is served:",
    `  ${fault}`,
    "",
    "Served as before, until this is mended:",
    "  FilterPolicy/authz",
    "",
    "Not served, until this is mended:",
    "  Service/new, with FilterPolicy/authz",
    "",
    "Certificates to be replaced:",
    "  Certificate/old ended at 2000-01-01T00:00:00.000Z",
    "  the authority ends at 9999-01-01T00:00:00.000Z",
  ]);
});
