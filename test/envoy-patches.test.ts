import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

describe("EnvoyPatch in a real Envoy", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  let [inbound, outbound, added] = [0, 0, 0];

  before(async () => {
    app = await startApp("web");
    [inbound = 0, outbound = 0, added = 0] = await freePorts(3);
    mesh = await Mesh.create();
    mesh.write(
      "service.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  endpoints:
    - address: 127.0.0.1
      port: ${String(app.port)}
      sidecar: { node: web-1, inboundPort: ${String(inbound)}, outboundPort: ${String(outbound)} }
`,
    );
    mesh.write("patch.yaml", patch("x-mesh: one"));
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.untilReady();
  });

  after(async () => {
    await mesh.stop();
    await app.stop();
  });

  const patch = (header: string): string => {
    const [key = "", value = ""] = header.split(": ");
    return `apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: all }
spec:
  targetRefs: [{ name: web }]
  patches:
    - operation: InsertFilter
      target: { type: HTTPConnectionManager, direction: Inbound }
      position: { type: First }
      value:
        name: buffer
        typedConfig:
          "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
          maxRequestBytes: 10
    - operation: Merge
      target: { type: HTTPConnectionManager, direction: Outbound }
      value: { path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD }
    - operation: JSONPatch
      target: { type: VirtualHost, service: web, direction: Outbound }
      jsonPatch:
        - { op: add, path: /response_headers_to_add/-, value: { header: { key: ${key}, value: ${value} } } }
    - operation: Merge
      target: { type: Route, direction: Inbound }
      value: { request_headers_to_add: [{ header: { key: x-in, value: "yes" } }] }
    - operation: Merge
      target: { type: Cluster, service: web }
      value: { alt_stat_name: patched }
    - operation: AddResource
      value:
        "@type": type.googleapis.com/envoy.config.listener.v3.Listener
        name: added
        address: { socket_address: { address: 127.0.0.1, port_value: ${String(added)} } }
        filter_chains:
          - filters:
              - name: hcm
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: added
                  route_config:
                    virtual_hosts:
                      - name: all
                        domains: ["*"]
                        routes: [{ match: { prefix: / }, direct_response: { status: 418 } }]
                  http_filters:
                    - name: router
                      typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
  };

  it("is accepted", async () => {
    const report = await mesh.sidecar("web-1");
    assert.deepEqual([report.state, report.rejections], ["ready", []]);
  });

  it("inserts a filter", async () => {
    const answer = await get(inbound, "/", { method: "POST", body: "x".repeat(11) });
    assert.equal(answer.status, 413);
    assert.equal((await get(inbound, "/", { method: "POST", body: "x" })).status, 200);
  });

  it("merges into a connection manager, a virtual host, a route, and a cluster", async () => {
    const answer = await get(outbound, "/a%2Fb", { headers: { host: "web" } });
    assert.deepEqual([answer.status, answer.headers["x-mesh"]], [200, "one"]);
    assert.match(JSON.stringify(answer.body), /x-in/);
    const stats = await mesh.envoys.get("web-1")?.stats("^cluster.patched.upstream_rq_total$");
    assert.ok((stats?.get("cluster.patched.upstream_rq_total") ?? 0) > 0);
  });

  it("adds a listener", async () => {
    assert.equal((await get(added, "/")).status, 418);
  });

  it("takes a change, and refuses one with a fault where it is written", async () => {
    mesh.write("patch.yaml", patch("x-mesh: two"));
    const envoy = mesh.envoys.get("web-1");
    await envoy?.until(
      async () => (await get(outbound, "/", { headers: { host: "web" } })).headers["x-mesh"] === "two",
    );
    mesh.write("patch.yaml", patch("x-mesh: three").replace("maxRequestBytes: 10", "maxRequestByte: 10"));
    const report = await mesh.meshwright("validate", [mesh.config]);
    assert.match(report, /patch\.yaml:\d+:\d+: .*\.maxRequestByte: unknown field .*did you mean "maxRequestBytes"/);
    assert.equal((await get(outbound, "/", { headers: { host: "web" } })).headers["x-mesh"], "two");
  });
});
