import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { ServerCredentials } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { createSnapshot, type Resource, type Snapshot, TypeUrl, XdsServer } from "../../controlplane/xds/index.ts";
import { startEnvoy } from "../../controlplane/xds/testdata/envoy.ts";
import { edsCluster, endpoints, listener, route } from "../../controlplane/xds/testdata/resources.ts";
import { testedEnvoys } from "../support/envoys.ts";
import { get } from "../support/http.ts";
import { Load } from "../support/load.ts";
import { freePorts } from "../support/ports.ts";
import { until } from "../support/until.ts";

/*
 * A route moves to a cluster that is new, and the old one goes, again and again, while requests come without a pause: none
 * fails. `npm run test:envoys` plays this with every supported Envoy.
 */

const CHANGES = 20;

let upstream: Server;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

before(async () => {
  upstream = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await once(upstream, "listening");
});

after(() => {
  upstream.closeAllConnections();
  upstream.close();
});

for (const { title: name, binary } of testedEnvoys()) {
  for (const protocol of ["sotw", "delta"] as const) {
    const title = `${name}, ${protocol}: ${CHANGES} changes of clusters and routes under load, and no request fails`;
    test(title, { timeout: 120_000 }, async (t) => {
      const [port = 0] = await freePorts(1);
      const fleet = new Fleet();
      let snapshot: Snapshot = createSnapshot([]);
      const xds = new XdsServer({ source: { snapshot: () => snapshot }, observer: fleet });
      const serve = (resources: readonly Resource[]): void => {
        snapshot = createSnapshot(resources, snapshot);
        xds.update();
      };
      /** Through a cluster of this number; while that is warming, it has no endpoints. */
      const through = (n: number, isWarming = false): Resource[] => [
        edsCluster(`c${n}`),
        ...(isWarming ? [endpoints(`c${n - 1}`, portOf(upstream))] : [endpoints(`c${n}`, portOf(upstream))]),
        listener("l", port, "r"),
        route("r", `c${n}`),
      ];
      const state = (typeUrl: string, name: string): string | undefined =>
        fleet
          .node("sidecar")
          ?.types.find((type) => type.typeUrl === typeUrl)
          ?.resources.find((resource) => resource.name === name)?.state;
      const isSettled = (): boolean => {
        const types = fleet.node("sidecar")?.types ?? [];
        return types.every(({ resources }) => resources.every((resource) => resource.state === "synced"));
      };

      serve(through(0));
      const xdsPort = await xds.listen("127.0.0.1:0", ServerCredentials.createInsecure());
      const envoy = await startEnvoy(await binary(), "sidecar", protocol, xdsPort);
      t.after(async () => {
        await envoy.stop();
        await xds.close();
      });
      await until(async () => (await get(port, "/").catch(() => undefined))?.status === 200 && isSettled(), 30_000);

      const load = new Load(port, "/");
      for (let n = 1; n <= CHANGES; n++) {
        if (n % 5 === 0 && protocol === "sotw") {
          // It warms until it has endpoints, which in this variant cannot be said to be none: meanwhile requests go where they went.
          serve(through(n, true));
          const from = load.answers.length;
          await until(() => load.answers.length > from + 50, 30_000);
          assert.equal(state(TypeUrl.route, "r"), "pending", "the route waits for its cluster");
        }
        serve(through(n));
        await until(() => state(TypeUrl.cluster, `c${n}`) === "synced" && isSettled(), 30_000);
      }
      const answers = await load.stop();
      assert.deepEqual(
        answers.filter(({ status }) => status !== 200),
        [],
      );
      assert.ok(answers.length > CHANGES, `${answers.length} requests`);
    });
  }
}
