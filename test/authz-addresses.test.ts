// Whose address authz takes a request to come from, by Envoy's settings, and what forged headers change of it. In a real Envoy.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { everybody } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, typed, wasmFilter } from "./support/filter-chains.ts";

const office = ["192.0.2.0/24"];
const loopback = ["127.0.0.0/8"];
const allow = (path: string, conditions: object): object => ({
  name: path,
  action: "allow",
  paths: [{ exact: `/${path}` }],
  ...conditions,
  ...everybody,
});
const rules = [
  { name: "guests", action: "deny", paths: [{ exact: "/no-guests" }], not: { sources: office } },
  { name: "banned", action: "deny", paths: [{ exact: "/not-from-office" }], sources: office },
  allow("no-guests", {}),
  allow("not-from-office", {}),
  allow("office", { sources: office }),
  allow("local", { sources: loopback }),
  allow("peer-office", { peers: office }),
  allow("peer-local", { peers: loopback }),
  allow("peer-guests", { not: { peers: office } }),
];

/** Settings of the connection manager, and what the filter's reference says to write for them. */
const settings = {
  edge: [{ use_remote_address: true }, 0],
  edgeBehindOne: [{ use_remote_address: true, xff_num_trusted_hops: 1 }, 2],
  edgeBehindOneByEnvoy: [{ use_remote_address: true, xff_num_trusted_hops: 1 }, 0],
  edgeBehindTwo: [{ use_remote_address: true, xff_num_trusted_hops: 2 }, 3],
  withoutAppending: [{ use_remote_address: true, xff_num_trusted_hops: 1, skip_xff_append: true }, 1],
  behindOne: [{ use_remote_address: false }, 1],
  behindOneByEnvoy: [{ use_remote_address: false }, 0],
  behindTwo: [{ use_remote_address: false, xff_num_trusted_hops: 1 }, 2],
} as const;
type Setting = keyof typeof settings;

/** Leaves the address of the connection where no header changes it. */
const peerState = {
  name: "peer",
  typed_config: typed("http.set_filter_state.v3.Config", {
    on_request_headers: [
      {
        object_key: "authz.peer",
        factory_key: "envoy.string",
        format_string: {
          text_format_source: { inline_string: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%" },
        },
      },
    ],
  }),
};

let envoy: FilterEnvoy;
before(async () => {
  await filterModule("authz");
  const module = join(root, "build", "authz.wasm");
  const filter = (more: object): object => wasmFilter("authz", module, { ...more, rules });
  const chains = Object.entries(settings).map(([name, [, trustedHops]]) => [name, [filter({ trustedHops })]] as const);
  const peerAddressState = "authz.peer";
  envoy = await FilterEnvoy.start(
    {
      ...Object.fromEntries(chains),
      stateful: [peerState, filter({ peerAddressState })],
      stateless: [filter({ peerAddressState })],
    },
    [],
    { managers: Object.fromEntries(Object.entries(settings).map(([name, [manager]]) => [name, manager])) },
  );
});
after(() => envoy.stop());

const forwardedFor = (...lines: readonly string[]): string[] => lines.map((line) => `x-forwarded-for: ${line}`);

async function passes(chain: string, path: string, lines: readonly string[]): Promise<boolean> {
  const { status } = await envoy.get(chain, `/${path}`, lines);
  assert.ok(status === 200 || status === 403, `${chain} ${path}: ${status}`);
  return status === 200;
}

const OFFICE = "192.0.2.7";
const GUEST = "203.0.113.9";
const PROXY = "198.51.100.1";

type Client = "office" | "local" | "guest" | "unknown";
/** For each setting: what arrives, and who that is then. */
const rows: readonly (readonly [readonly Setting[], readonly string[], Client])[] = [
  // Nobody is trusted: whatever a client writes, it is the connection that counts.
  [["edge"], [], "local"],
  [["edge"], [OFFICE], "local"],
  [["edge"], [OFFICE, OFFICE], "local"],
  [["edge"], [`${GUEST}, ${OFFICE}`], "local"],
  // One proxy, which writes its client on the right of what that wrote.
  [["edgeBehindOne", "edgeBehindOneByEnvoy", "withoutAppending", "behindOne", "behindOneByEnvoy"], [OFFICE], "office"],
  [["edgeBehindOne", "edgeBehindOneByEnvoy", "withoutAppending", "behindOne", "behindOneByEnvoy"], [GUEST], "guest"],
  [
    ["edgeBehindOne", "edgeBehindOneByEnvoy", "withoutAppending", "behindOne", "behindOneByEnvoy"],
    [`${OFFICE}, ${GUEST}`],
    "guest",
  ],
  [
    ["edgeBehindOne", "edgeBehindOneByEnvoy", "withoutAppending", "behindOne", "behindOneByEnvoy"],
    [OFFICE, `${OFFICE},${GUEST}`],
    "guest",
  ],
  [
    ["edgeBehindOne", "edgeBehindOneByEnvoy", "withoutAppending", "behindOne", "behindOneByEnvoy"],
    [`${GUEST}, ${OFFICE}`],
    "office",
  ],
  // A proxy that writes no address, or one with a port: Envoy takes the proxy's own, the filter none.
  [["edgeBehindOne", "withoutAppending", "behindOne"], [], "unknown"],
  [["edgeBehindOne", "withoutAppending", "behindOne"], [`${OFFICE}, unknown`], "unknown"],
  [["edgeBehindOne", "withoutAppending", "behindOne"], [`${OFFICE}, ${GUEST}:4711`], "guest"],
  [["edgeBehindOneByEnvoy", "behindOneByEnvoy"], [], "local"],
  [["edgeBehindOneByEnvoy", "behindOneByEnvoy"], [`${OFFICE}, unknown`], "local"],
  [["edgeBehindOneByEnvoy", "behindOneByEnvoy"], [`${OFFICE}, ${GUEST}:4711`], "local"],
  // Two proxies.
  [["edgeBehindTwo", "behindTwo"], [`${OFFICE}, ${GUEST}, ${PROXY}`], "guest"],
  [["edgeBehindTwo", "behindTwo"], [OFFICE, GUEST, PROXY], "guest"],
  [["edgeBehindTwo", "behindTwo"], [`${GUEST}, ${OFFICE}, ${PROXY}`], "office"],
  // Past the first of them, straight to the second: too few entries to have a client.
  [["edgeBehindTwo", "behindTwo"], [OFFICE], "unknown"],
];

describe("sources", () => {
  for (const [names, lines, client] of rows) {
    test(`${names.join(", ")}: ${JSON.stringify(lines)} is ${client}`, async () => {
      for (const name of names) {
        const sent = forwardedFor(...lines);
        assert.equal(await passes(name, "office", sent), client === "office", `${name} office`);
        assert.equal(await passes(name, "local", sent), client === "local", `${name} local`);
        assert.equal(await passes(name, "no-guests", sent), client === "office", `${name} no-guests`);
        const banned = client === "office" || client === "unknown";
        assert.equal(await passes(name, "not-from-office", sent), !banned, `${name} not-from-office`);
      }
    });
  }
});

describe("peers", () => {
  test("is what Envoy takes for the client: forged where use_remote_address is off", async () => {
    assert.equal(await passes("edge", "peer-office", forwardedFor(OFFICE)), false);
    assert.equal(await passes("edge", "peer-local", forwardedFor(OFFICE)), true);
    assert.equal(await passes("behindOne", "peer-office", forwardedFor(OFFICE)), true);
  });

  test("with peerAddressState, no header changes it", async () => {
    for (const lines of [[], [OFFICE], [OFFICE, `${OFFICE}, ${OFFICE}`]]) {
      const sent = forwardedFor(...lines);
      assert.equal(await passes("stateful", "peer-office", sent), false);
      assert.equal(await passes("stateful", "peer-local", sent), true);
      assert.equal(await passes("stateful", "peer-guests", sent), true);
    }
  });

  test("with a state that nobody sets, it is in doubt", async () => {
    for (const path of ["peer-office", "peer-local", "peer-guests"]) {
      assert.equal(await passes("stateless", path, forwardedFor(OFFICE)), false, path);
    }
  });
});
