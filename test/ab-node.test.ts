// The example of experiments by what a sidecar itself is, in real Envoys of several places.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { Envoy } from "./support/envoy.ts";
import { typed, wasmFilter } from "./support/filter-chains.ts";
import { get } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

interface Node {
  readonly id: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
}

const example = join(root, "filters/ab-routing/examples/by-sidecar.json");
const HEADERS = ["x-pool", "x-zone-trial", "x-client"] as const;

before(() => buildFilters(["ab-routing"]));

/** What an Envoy of this node tells an upstream for each of some users: the values of `HEADERS`, nothing where there is none. */
async function told({ id, zone, labels }: Node, users: readonly string[]): Promise<string[]> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const address = (at: number): object => ({ socket_address: { address: "127.0.0.1", port_value: at } });
  const body = HEADERS.map((name) => `%REQ(${name})%`).join(" ");
  const manager = typed("network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "test",
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/" },
              direct_response: { status: 200 },
              response_headers_to_add: [{ header: { key: "x-told", value: body } }],
            },
          ],
        },
      ],
    },
    http_filters: [
      wasmFilter(
        "ab-routing",
        join(root, "build", "ab-routing.wasm"),
        JSON.parse(readFileSync(example, "utf8")) as object,
      ),
      { name: "router", typed_config: typed("http.router.v3.Router", {}) },
    ],
  });
  const configuration = {
    node: { id, cluster: "test", locality: { region: "eu", zone }, metadata: { LABELS: labels } },
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: [
        { name: "in", address: address(port), filter_chains: [{ filters: [{ name: "m", typed_config: manager }] }] },
      ],
    },
  };
  const envoy = await Envoy.start("node", JSON.stringify(configuration), adminPort, { concurrency: 1 });
  try {
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    const answers: string[] = [];
    for (const user of users) {
      const { headers } = await get(port, "/", { headers: { "x-user": user, "x-client": "forged" } });
      answers.push(String(headers["x-told"]));
    }
    return answers;
  } finally {
    await envoy.stop();
  }
}

test("experiments by a sidecar's labels and zone decide by what its node says", async () => {
  const users = Array.from({ length: 40 }, (_, i) => `user-${String(i)}`);
  const [cart, search, far] = await Promise.all([
    told({ id: "cart-1", zone: "eu-1a", labels: { app: "cart" } }, users),
    told({ id: "search-1", zone: "eu-1a", labels: { app: "search" } }, users),
    told({ id: "cart-2", zone: "eu-1b", labels: { app: "cart" } }, users),
  ]);
  const column = (answers: readonly string[], header: (typeof HEADERS)[number]): string[] =>
    answers.map((answer) => answer.split(" ")[HEADERS.indexOf(header)] ?? "");
  const only = (values: readonly string[]): string | undefined => {
    assert.equal(new Set(values).size, 1, values.join());
    return values[0];
  };
  // Keyed by the workload: all users of a sidecar alike, and both sidecars of cart.
  assert.equal(only(column(cart, "x-pool")), only(column(far, "x-pool")));
  assert.ok(["big", "small"].includes(only(column(search, "x-pool")) ?? ""));
  // For one zone: users are dealt out there, in both sidecars alike, and others are told nothing.
  const trial = column(cart, "x-zone-trial");
  assert.deepEqual([...new Set(trial)].sort(), ["off", "on"]);
  assert.deepEqual(column(search, "x-zone-trial"), trial);
  assert.equal(only(column(far, "x-zone-trial")), "");
  // By a rule on the workload that sends.
  assert.equal(only(column(cart, "x-client")), "new");
  assert.equal(only(column(search, "x-client")), "old");
});
