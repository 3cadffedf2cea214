// All that sidecars of a large mesh are served, checked by go-control-plane's types: each message can be read, has no field that is
// not known, and keeps the rules of protoc-gen-validate. `npm run test:peers` builds the client and runs it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { buildFilters } from "../../setup/filters.mjs";
import { root } from "../../setup/paths.mjs";
import { generatedResources } from "../../test/gateway/arbitrary.ts";
import { CertificateAuthority } from "../../test/support/certificates.ts";
import { Mesh } from "../../test/support/mesh.ts";
import { guardYaml } from "../../test/support/services.ts";
import { goPeers } from "./go.mjs";

const { xdsClient } = goPeers();

interface Found {
  readonly resources: Readonly<Record<string, number>>;
  /** Resources, and what is in them in an Any. */
  readonly messages: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** One Service that uses what the generated ones do not: filters, certificates, telemetry, mutual TLS. */
const MESH = `apiVersion: meshwright.dev/v1alpha1
kind: Mesh
metadata: { name: default }
spec: { unknownHosts: Passthrough }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  mtls: Permissive
  inboundTls: { certificate: web }
  endpoints:
    - address: 127.0.0.1
      port: 8080
      locality: { region: eu, zone: one }
      sidecar: { node: web-1, inboundPort: 15006, outboundPort: 15001, outboundAddress: 127.0.0.1 }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: partner }
spec:
  port: 443
  endpointTls: { hostname: partner.example, trust: web, certificate: web }
  endpoints: [{ address: partner.example, port: 443 }]
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: collector }
spec: { port: 4317, protocol: HTTP2, endpoints: [{ address: 10.0.0.9, port: 4317 }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: web }
spec: { certFile: web.pem, keyFile: web.key, caFile: ca.pem }
---
apiVersion: meshwright.dev/v1alpha1
kind: Telemetry
metadata: { name: all }
spec:
  accessLogs:
    - { type: File, path: /dev/null, json: { status: "%RESPONSE_CODE%" }, minimumStatus: 500, percentage: 10 }
    - { type: OTLP, collector: { name: collector }, body: "%PROTOCOL%" }
  tracing: { collector: { name: collector } }
  prometheus: { port: 15090 }
---
${guardYaml}---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: open }
spec:
  targetRefs: [{ name: web }]
  direction: Outbound
  failurePolicy: FailOpen
  module: authz
  configuration: { rules: [{ name: all, action: allow, principals: [{ any: true }] }] }
`;

describe("what is served", { skip: existsSync(xdsClient) ? false : "the programs in Go are not built" }, () => {
  let mesh: Mesh;
  let authority: CertificateAuthority;
  let bootstrap: {
    readonly xds_servers: [{ readonly channel_creds: [{ readonly config: Readonly<Record<string, string>> }] }];
  };

  before(async () => {
    await buildFilters(["authz"]);
    authority = await CertificateAuthority.create("ours");
    const pair = await authority.issue("/CN=web", ["DNS:web.example"]);
    mesh = await Mesh.create();
    for (const [name, text] of [
      ["web.pem", pair.cert],
      ["web.key", pair.key],
      ["ca.pem", authority.cert],
    ] as const)
      mesh.write(name, text);
    copyFileSync(join(root, "build", "authz.wasm"), join(mesh.config, "authz.wasm"));
    mesh.write("mesh.yaml", [MESH, ...generatedResources(1, 200, 100)].join("---\n"));
    await mesh.startControlPlane();
    bootstrap = JSON.parse(
      await mesh.meshwright("bootstrap", ["--grpc", "--node", "web-1", "--service", "web"]),
    ) as typeof bootstrap;
  });
  after(async () => {
    await mesh.stop();
    authority.remove();
  });

  const fetchAll = async (variant: string, agent: string): Promise<Found> => {
    const { config } = bootstrap.xds_servers[0].channel_creds[0];
    const files = [config["certificate_file"], config["private_key_file"], config["ca_certificate_file"]].join();
    const { stdout } = await promisify(execFile)(xdsClient, [
      ...["-xds", `127.0.0.1:${String(mesh.xdsPort)}`, "-tls", files, "-node", "web-1", "-cluster", "web"],
      ...["-variant", variant, "-agent", agent],
    ]);
    return JSON.parse(stdout) as Found;
  };

  /** How many there are of each type. */
  const counts = ({ resources }: Found): Record<string, number> =>
    Object.fromEntries(
      Object.entries(resources).map(([type, count]) => [type.slice(type.lastIndexOf(".") + 1), count]),
    );

  test("a sidecar can read and validate all of it, in both variants alike", async () => {
    const found = await fetchAll("sotw", "envoy");
    assert.deepEqual(found.faults, []);
    const { Cluster = 0, ClusterLoadAssignment = 0, ...others } = counts(found);
    assert.deepEqual(others, { Listener: 3, RouteConfiguration: 2, TypedExtensionConfig: 2, Secret: 4 });
    assert.ok(Cluster > 400 && ClusterLoadAssignment > 300, JSON.stringify(found.resources));
    // What is only within others was looked at, too.
    for (const inner of [
      "http.wasm.v3.Wasm",
      "tls.v3.DownstreamTlsContext",
      "tls.v3.UpstreamTlsContext",
      "cors.v3.CorsPolicy",
    ])
      assert.ok(
        Object.keys(found.messages).some((type) => type.endsWith(inner)),
        inner,
      );
    assert.deepEqual(await fetchAll("delta", "envoy"), found);
  });

  test("so can a gRPC client", async () => {
    const found = await fetchAll("sotw", "gRPC Go");
    assert.deepEqual(found.faults, []);
    const { Cluster = 0, Listener = 0, RouteConfiguration = 0 } = counts(found);
    // A listener and a route configuration for each Service; a cluster more, which leads nowhere.
    assert.ok(Listener > 400);
    assert.deepEqual([RouteConfiguration, Cluster], [Listener, Listener + 1]);
    assert.deepEqual(await fetchAll("delta", "gRPC Go"), found);
  });
});
