import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ServerCredentials, status as Code } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { createSnapshot, XdsServer } from "../../controlplane/xds/index.ts";
import { deltaWire, sotwWire } from "../../controlplane/xds/testdata/client.ts";
import { resource, Type } from "../../controlplane/xds/testdata/script.ts";

/** The services of single types, as Envoy's API has them, and what their methods end with. */
const SERVICES: readonly (readonly [type: keyof typeof Type, service: string, what: string])[] = [
  ["CDS", "envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters"],
  ["EDS", "envoy.service.endpoint.v3.EndpointDiscoveryService", "Endpoints"],
  ["LDS", "envoy.service.listener.v3.ListenerDiscoveryService", "Listeners"],
  ["RDS", "envoy.service.route.v3.RouteDiscoveryService", "Routes"],
  ["SRDS", "envoy.service.route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes"],
  ["VHDS", "envoy.service.route.v3.VirtualHostDiscoveryService", "VirtualHosts"],
  ["SDS", "envoy.service.secret.v3.SecretDiscoveryService", "Secrets"],
  ["ECDS", "envoy.service.extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs"],
  ["RTDS", "envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime"],
];

const node = { id: "n" };
const served = (version: number) => createSnapshot(SERVICES.map(([type]) => resource(type, `a@${version}`)));

let snapshot = served(1);
let port = 0;
const server = new XdsServer({ source: { snapshot: () => snapshot }, observer: new Fleet() });

before(async () => {
  port = await server.listen("127.0.0.1:0", ServerCredentials.createInsecure());
});

after(() => server.close());

function serve(version: number): void {
  snapshot = served(version);
  server.update();
}

for (const [type, service, what] of SERVICES) {
  const typeUrl = Type[type];
  const other = type === "CDS" ? Type.EDS : Type.CDS;

  test(`R1, R3: ${type}: the incremental service of the type`, { timeout: 10_000 }, async () => {
    serve(1);
    const stream = deltaWire(port, `/${service}/Delta${what}`).send({ node, resourceNamesSubscribe: ["a"] });
    const first = await stream.next();
    assert.equal(first.typeUrl, typeUrl);
    assert.deepEqual(
      first.resources.map(({ name, version }) => `${name}@${version}`),
      ["a@1"],
    );
    stream.send({ typeUrl, responseNonce: first.nonce });
    serve(2);
    assert.equal((await stream.next()).resources[0]?.version, "2");
    stream.send({ typeUrl: other });
    assert.equal((await stream.ended).code, Code.INVALID_ARGUMENT);
    stream.close();
  });

  test(`R1, R3: ${type}: state of the world`, { timeout: 10_000 }, async () => {
    serve(1);
    const stream = sotwWire(port, `/${service}/Stream${what}`).send({ node, resourceNames: ["a"] });
    if (type === "VHDS") {
      assert.equal((await stream.ended).code, Code.UNIMPLEMENTED, "the protocol has none");
      stream.close();
      return;
    }
    const { typeUrl: got, versionInfo, nonce, resources } = await stream.next();
    assert.deepEqual([got, resources.length], [typeUrl, 1]);
    stream.send({ versionInfo, responseNonce: nonce, resourceNames: ["a"] });
    serve(2);
    assert.notEqual((await stream.next()).versionInfo, versionInfo);
    stream.send({ typeUrl: other });
    assert.equal((await stream.ended).code, Code.INVALID_ARGUMENT);
    stream.close();
  });
}
