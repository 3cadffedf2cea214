import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { create, type JsonObject } from "@bufbuild/protobuf";
import { ServerCredentials } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { RouteConfigurationSchema } from "../../controlplane/gen/envoy/config/route/v3/route_pb.js";
import { VirtualHostSchema } from "../../controlplane/gen/envoy/config/route/v3/route_components_pb.js";
import { RuntimeSchema } from "../../controlplane/gen/envoy/service/runtime/v3/rtds_pb.js";
import { createSnapshot, type Protocol, type Resource, TypeUrl, XdsServer } from "../../controlplane/xds/index.ts";
import { type RunningEnvoy, startEnvoy } from "../../controlplane/xds/testdata/envoy.ts";
import { ADS, edsCluster, endpoints, listener, resource, route } from "../../controlplane/xds/testdata/resources.ts";
import { envoyBinary } from "../../setup/envoy.mjs";
import { get, startApp } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import { until } from "../support/until.ts";

/*
 * What the control plane makes no use of itself, served to a real Envoy: runtime layers (RTDS), virtual hosts on demand (VHDS), and
 * resources that live for a limited time (TTL).
 */

const WAIT_MS = 30_000;

let binary: string;
let app: Awaited<ReturnType<typeof startApp>>;
let port: number;
let fleet: Fleet;
let rejections: string[];
let snapshot = createSnapshot([]);
let server: XdsServer;
let xdsPort: number;
let envoy: RunningEnvoy;

before(async () => {
  [binary, app] = await Promise.all([envoyBinary(), startApp("app")]);
});
after(() => app.stop());

afterEach(async () => {
  await envoy.stop();
  await server.close();
});

/** A control plane that knows nothing of any proxy. */
async function startServer(at = 0): Promise<void> {
  fleet = new Fleet();
  fleet.on("rejected", (outcome) => rejections.push(JSON.stringify(outcome)));
  server = new XdsServer({ source: { snapshot: () => snapshot }, observer: fleet });
  xdsPort = await server.listen(`127.0.0.1:${at}`, ServerCredentials.createInsecure());
}

async function start(protocol: Protocol, resources: readonly Resource[], more: object = {}): Promise<void> {
  rejections = [];
  snapshot = createSnapshot(resources);
  await startServer();
  envoy = await startEnvoy(binary, "sidecar", protocol, xdsPort, more);
}

function serve(resources: readonly Resource[]): void {
  snapshot = createSnapshot(resources, snapshot);
  server.update();
}

/** The status of a request; 0 if there is no answer. */
async function status(host = "app"): Promise<number> {
  return (await get(port, "/", { headers: { host } }).catch(() => undefined))?.status ?? 0;
}

/** Routes of one virtual host, answered by Envoy itself. */
const answering = (code: number, when?: { readonly runtimeKey: string }) => ({
  match: {
    pathSpecifier: { case: "prefix" as const, value: "/" },
    ...(when && { runtimeFraction: { defaultValue: { numerator: 0 }, ...when } }),
  },
  action: { case: "directResponse" as const, value: { status: code } },
});

for (const protocol of ["sotw", "delta"] as const) {
  test(`${protocol}: RTDS: a layer of the runtime decides between routes, and another version of it decides anew`, async () => {
    [port = 0] = await freePorts(1);
    const withShare = (percent: number | undefined): Resource[] => [
      listener("l", port, "r"),
      resource("r", TypeUrl.route, RouteConfigurationSchema, {
        name: "r",
        virtualHosts: [
          { name: "all", domains: ["*"], routes: [answering(201, { runtimeKey: "new" }), answering(202)] },
        ],
      }),
      ...(percent === undefined ? [] : [runtime({ new: percent })]),
    ];
    await start(protocol, withShare(100), {
      layered_runtime: {
        layers: [
          { name: "flags", rtds_layer: { name: "flags", rtds_config: { ads: {}, resource_api_version: "V3" } } },
        ],
      },
    });
    await until(async () => (await status()) === 201, WAIT_MS);
    serve(withShare(0));
    await until(async () => (await status()) === 202, WAIT_MS);
    serve(withShare(100));
    await until(async () => (await status()) === 201, WAIT_MS);
    assert.deepEqual(rejections, []);
    if (protocol === "sotw") return; // Where absence says nothing of a layer.
    serve(withShare(undefined));
    await until(async () => (await status()) === 202, WAIT_MS);
  });
}

test("delta: R25: what has a time to live stays as long as heartbeats come, goes without them, and comes back", async () => {
  [port = 0] = await freePorts(1);
  const ttlMs = 1_500;
  await start("delta", [
    edsCluster("app"),
    endpoints("app", app.port, { ttlMs }),
    listener("l", port, "r", [], { ttlMs }),
    route("r", "app"),
  ]);
  await until(async () => (await status()) === 200, WAIT_MS);
  const end = Date.now() + 3 * ttlMs;
  const seen = new Set<number>();
  while (Date.now() < end) seen.add(await status());
  assert.deepEqual([...seen], [200]);
  await server.close();
  await until(async () => (await status()) === 0, WAIT_MS);
  await startServer(xdsPort);
  await until(async () => (await status()) === 200, WAIT_MS);
  assert.deepEqual(rejections, []);
});

test("delta: VHDS: virtual hosts come, change and go, those that a request asked for too, and stay when it reconnects", async () => {
  [port = 0] = await freePorts(1);
  const common = [
    listener("l", port, "r", [], { onDemand: true }),
    resource("r", TypeUrl.route, RouteConfigurationSchema, {
      name: "r",
      vhds: { configSource: ADS },
    }),
  ];
  await start("delta", [...common, virtualHost("a", "a.test", 201), virtualHost("b", "b.test", 202)]);
  await until(async () => (await status("a.test")) === 201, WAIT_MS);
  assert.equal(await status("b.test"), 202);
  assert.equal(await status("c.test"), 404);
  serve([...common, virtualHost("a", "a.test", 203), virtualHost("c", "c.test", 204)]);
  await until(async () => (await status("a.test")) === 203, WAIT_MS);
  await until(async () => (await status("b.test")) === 404, WAIT_MS);
  await until(async () => (await status("c.test")) === 204, WAIT_MS);
  await server.close();
  await startServer(xdsPort);
  const isBack = (): boolean =>
    fleet.node("sidecar")?.types.find(({ typeUrl }) => typeUrl === TypeUrl.virtualHost)?.requested === true;
  await until(isBack, WAIT_MS);
  assert.equal(await status("a.test"), 203);
  assert.equal(await status("b.test"), 404);
  assert.deepEqual(rejections, []);
});

function runtime(layer: JsonObject): Resource {
  return resource("flags", TypeUrl.runtime, RuntimeSchema, { name: "flags", layer });
}

/** A virtual host of the routes `r` for one host, by which Envoy asks for it. */
function virtualHost(name: string, host: string, code: number): Resource {
  // Envoy removes it by this name, so it has to be that of the resource.
  const init = create(VirtualHostSchema, { name: `r/${name}`, domains: [host], routes: [answering(code)] });
  return resource(`r/${name}`, TypeUrl.virtualHost, VirtualHostSchema, init, { aliases: [`r/${host}`] });
}
