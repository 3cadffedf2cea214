import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { Collector, textsOf } from "./support/otlp.ts";
import { freePorts } from "./support/ports.ts";

describe("Telemetry in a real Envoy", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  let collector: Collector;
  let [inbound, outbound, prometheus, closed] = [0, 0, 0, 0];
  const file = (name: string): string => join(mesh.folder, name);

  before(async () => {
    app = await startApp("web");
    collector = await Collector.start();
    [inbound = 0, outbound = 0, prometheus = 0, closed = 0] = await freePorts(4);
    mesh = await Mesh.create();
    mesh.write(
      "mesh.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  endpoints:
    - address: 127.0.0.1
      port: ${String(app.port)}
      sidecar: { node: web-1, inboundPort: ${String(inbound)}, outboundPort: ${String(outbound)} }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: gone }
spec: { port: 80, endpoints: [{ address: 127.0.0.1, port: ${String(closed)} }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: collector }
spec: { port: 4317, protocol: HTTP2, endpoints: [{ address: 127.0.0.1, port: ${String(collector.port)} }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Telemetry
metadata: { name: all }
spec:
  accessLogs:
    - { type: File, direction: Inbound, path: ${file("text.log")}, text: "%REQ(:METHOD)% %PATH%" }
    - { type: File, direction: Outbound, path: ${file("json.log")}, json: { status: "%RESPONSE_CODE%", host: "%REQ(:AUTHORITY)%" } }
    - { type: File, direction: Outbound, path: ${file("errors.log")}, text: "%RESPONSE_CODE%", minimumStatus: 500 }
    - { type: File, path: ${file("none.log")}, text: "x", percentage: 0 }
    - { type: OTLP, collector: { name: collector }, direction: Inbound, body: "%PROTOCOL%" }
  tracing:
    collector: { name: collector }
    customTags:
      - { name: stage, type: Literal, value: test }
      - { name: user, type: RequestHeader, header: x-user, defaultValue: nobody }
  prometheus: { port: ${String(prometheus)} }
`,
    );
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.untilReady();
    for (const [path, host] of [
      ["/a?b", "web"],
      ["/down", "gone"],
    ] as const) {
      await get(outbound, path, { headers: { host, "x-user": "ada" } });
    }
  });

  after(async () => {
    collector.stop();
    await mesh.stop();
    await app.stop();
  });

  const until = (condition: () => boolean): Promise<void> =>
    mesh.envoys.get("web-1")!.until(() => Promise.resolve(condition()), 15_000);
  const lines = (name: string): string[] =>
    existsSync(file(name)) ? readFileSync(file(name), "utf8").trimEnd().split("\n") : [];

  it("is accepted", async () => {
    const report = await mesh.sidecar("web-1");
    assert.deepEqual([report.state, report.rejections], ["ready", []]);
  });

  it("writes lines of text and of JSON, for a direction, and by status and share", async () => {
    // Envoy writes files every ten seconds, or when they have grown.
    await until(() => lines("json.log").length === 2 && lines("text.log").length > 0 && lines("errors.log").length > 0);
    assert.deepEqual(lines("text.log"), ["GET /a?b"]);
    assert.deepEqual(
      lines("json.log").map((line) => JSON.parse(line) as unknown),
      [
        { status: 200, host: "web" },
        { status: 503, host: "gone" },
      ],
    );
    assert.deepEqual([lines("errors.log"), lines("none.log").join("")], [["503"], ""]);
  });

  it("sends records as OTLP", async () => {
    await until(() => collector.logs.length > 0);
    const [{ resource, what } = assert.fail()] = collector.logs;
    const { attributes, body } = what;
    assert.equal(resource["service.name"], "web");
    assert.equal(body?.value.value, "HTTP/1.1");
    const texts = textsOf(attributes);
    assert.deepEqual(
      [texts["http.request.method"], texts["url.path"], texts["http.response.status_code"], texts["server.address"]],
      ["GET", "/a?b", "200", "web"],
    );
  });

  it("sends spans of both sidecars of a request, one the parent of the other, with tags", async () => {
    const ofRequest = (): typeof collector.spans =>
      collector.spans.filter(({ what }) => textsOf(what.attributes)["http.url"]?.endsWith("/a?b"));
    await until(() => ofRequest().length >= 2);
    const spans = ofRequest();
    const ids = spans.map(({ what }) => Buffer.from(what.spanId).toString("hex"));
    const child = spans.find(({ what }) => ids.includes(Buffer.from(what.parentSpanId).toString("hex")));
    assert.ok(child);
    assert.equal(new Set(spans.map(({ what }) => Buffer.from(what.traceId).toString("hex"))).size, 1);
    assert.equal(child.resource["service.name"], "web");
    const tags = textsOf(child.what.attributes);
    assert.deepEqual([tags["stage"], tags["user"]], ["test", "ada"]);
  });

  it("shows its statistics to Prometheus, and nothing else of the admin interface", async () => {
    const answer = await get(prometheus, "/stats/prometheus");
    assert.equal(answer.status, 200);
    assert.match(answer.body, /^# TYPE envoy_cluster_upstream_rq_total counter$/m);
    assert.equal((await get(prometheus, "/stats/prometheus?usedonly")).status, 200);
    for (const [path, method] of [
      ["/stats", "GET"],
      ["/stats/prometheus?filter=.*", "GET"],
      ["/quitquitquit", "POST"],
      ["/config_dump", "GET"],
      ["/stats/prometheus/../../quitquitquit", "POST"],
      ["/stats/prometheus", "POST"],
    ] as const) {
      assert.equal((await get(prometheus, path, { method })).status, 404, path);
    }
  });
});
