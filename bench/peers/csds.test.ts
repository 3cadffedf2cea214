// A client of CSDS that is generated from Envoy's API asks the control plane where its sidecars stand; each Envoy's own dump of its
// configuration says whether that is so. `npm run test:peers` builds the client and runs it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Authority, formatIdentity, readStateAuthority } from "../../controlplane/security/index.ts";
import { buildFilters } from "../../setup/filters.mjs";
import { root } from "../../setup/paths.mjs";
import { get } from "../../test/support/http.ts";
import { Mesh } from "../../test/support/mesh.ts";
import { freePorts } from "../../test/support/ports.ts";
import { guardYaml, serviceYaml } from "../../test/support/services.ts";
import { goPeers } from "./go.mjs";

const { csdsClient } = goPeers();

interface ClientConfig {
  readonly node: {
    readonly id: string;
    readonly cluster: string;
    readonly userAgentName: string;
    readonly userAgentVersion: string;
  };
  readonly genericXdsConfigs: readonly {
    readonly typeUrl: string;
    readonly name: string;
    readonly versionInfo?: string;
    readonly configStatus: string;
    readonly lastUpdated?: string;
  }[];
}

describe("CSDS", { skip: existsSync(csdsClient) ? false : "the programs in Go are not built" }, () => {
  let mesh: Mesh;
  let files: string;

  const ask = async (...nodes: string[]): Promise<ClientConfig[][]> => {
    const matchers = nodes.flatMap((node) => ["-node", node]);
    const args = ["-xds", `127.0.0.1:${String(mesh.xdsPort)}`, "-tls", files, ...matchers];
    const { stdout } = await promisify(execFile)(csdsClient, args);
    const answers = stdout.trim().split("\n");
    return answers.map((line) => (JSON.parse(line) as { config?: ClientConfig[] }).config ?? []);
  };
  /** Certificate, key and authority of who is named. */
  const issue = async (identity: Parameters<typeof formatIdentity>[1]): Promise<string> => {
    const own = readStateAuthority(mesh.state);
    assert.ok(own);
    const uri = formatIdentity(own.trustDomain, identity);
    const { certificate, privateKey } = await (await Authority.load(own)).issue({ uri, lifetimeMs: 3_600_000 });
    const parts = {
      [`${identity.kind}.pem`]: certificate,
      [`${identity.kind}.key`]: privateKey,
      "ca.pem": own.certificate,
    };
    return Object.entries(parts)
      .map(([name, text]) => {
        const file = join(mesh.folder, name);
        writeFileSync(file, text);
        return file;
      })
      .join();
  };

  before(async () => {
    await buildFilters(["authz"]);
    mesh = await Mesh.create();
    const [web = 0, webOut = 0, shop = 0] = await freePorts(3);
    copyFileSync(join(root, "build", "authz.wasm"), join(mesh.config, "authz.wasm"));
    mesh.write(
      "mesh.yaml",
      [
        serviceYaml({ name: "web", port: 1, inboundPort: web, outboundPort: webOut, more: "mtls: Permissive" }),
        serviceYaml({ name: "shop", port: 2, inboundPort: shop }),
        guardYaml,
      ].join("---\n"),
    );
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.startSidecar("shop-1", "shop", { protocol: "sotw" });
    await mesh.untilReady();
    files = await issue({ kind: "role", role: "viewer" });
  });
  after(() => mesh.stop());

  test("Fetch and each request of a Stream tell of all sidecars, or of those that are asked for", async () => {
    const ids = (configs: readonly ClientConfig[]): string[] => configs.map(({ node }) => node.id).sort();
    const both = ["shop-1", "web-1"];
    assert.deepEqual((await ask()).map(ids), [both, both, both]);
    assert.deepEqual((await ask("web")).map(ids), [["web-1"], ["web-1"], ["web-1"]]);
    assert.deepEqual((await ask("web", "shop-")).map(ids), [both, both, both]);
    assert.deepEqual((await ask("eb-1")).map(ids), [[], [], []]);
  });

  test("what is said to be held is what Envoy's own dump has, in these versions", async () => {
    const [[config] = []] = await ask("web-1");
    assert.ok(config);
    assert.deepEqual([config.node.cluster, config.node.userAgentName], ["web", "envoy"]);
    const held = heldBy(config);
    assert.ok(held.every(({ configStatus, lastUpdated }) => configStatus === "SYNCED" && lastUpdated !== undefined));
    const versions = held.map(({ typeUrl, name, versionInfo = "" }): [string, string] => [
      `${typeUrl} ${name}`,
      // The dump has no versions of endpoints.
      typeUrl.endsWith("ClusterLoadAssignment") ? "" : versionInfo,
    ]);
    assert.equal(new Set(held.map(({ typeUrl }) => typeUrl)).size, 6);
    assert.deepEqual(Object.fromEntries(versions.sort()), Object.fromEntries([...(await dumped("web-1"))].sort()));
  });

  test("in the state of the world, whose versions are those of whole types, the same resources are held", async () => {
    const [[config] = []] = await ask("shop-1");
    assert.ok(config);
    const names = heldBy(config).map(({ typeUrl, name }) => `${typeUrl} ${name}`);
    assert.deepEqual(names.sort(), [...(await dumped("shop-1")).keys()].sort());
  });

  test("contents are not told, and nobody is told anything but who has a role", async () => {
    assert.ok(
      (await ask()).flat(2).every(({ genericXdsConfigs }) => genericXdsConfigs.every((one) => !("xdsConfig" in one))),
    );
    files = await issue({ kind: "sidecar", service: "web", node: "web-1" });
    await assert.rejects(ask(), /PermissionDenied/);
  });

  function heldBy({ genericXdsConfigs }: ClientConfig): ClientConfig["genericXdsConfigs"] {
    return genericXdsConfigs.filter(({ versionInfo = "" }) => versionInfo !== "");
  }

  /** What an Envoy has from its control plane, by its dump: the version of each resource by its type and name. */
  async function dumped(node: string): Promise<Map<string, string>> {
    const { body } = await get(mesh.envoys.get(node)?.adminPort ?? 0, "/config_dump?include_eds");
    const { configs } = JSON.parse(body) as { configs: unknown[] };
    const found = new Map<string, string>();
    /** Whatever has a version and a resource of a known type is one. */
    const look = (value: unknown, version: string | undefined): void => {
      if (Array.isArray(value)) for (const item of value) look(item, version);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return;
      const fields = value as Record<string, unknown>;
      const typeUrl = fields["@type"];
      const isEndpoints = typeof typeUrl === "string" && typeUrl.endsWith("ClusterLoadAssignment");
      if (isEndpoints || (version !== undefined && typeof typeUrl === "string" && !typeUrl.includes("admin"))) {
        const name = fields["name"] ?? fields["cluster_name"];
        // The endpoint of the application comes with its cluster.
        if (isEndpoints && String(name).startsWith("inbound|")) return;
        // A version of a filter also says in which step of its delivery it was sent.
        found.set(`${typeUrl} ${String(name)}`, isEndpoints ? "" : (version ?? "").replace(/\+\w*$/, ""));
        return;
      }
      const own = typeof fields["version_info"] === "string" ? fields["version_info"] : version;
      for (const [key, inner] of Object.entries(fields)) if (!key.startsWith("static_")) look(inner, own);
    };
    look(configs, undefined);
    return found;
  }
});
