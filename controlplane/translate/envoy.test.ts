import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compileSource } from "../xds/testdata/modules.ts";
import { startEnvoy } from "./testdata/envoy.ts";
import type { RunningEnvoy } from "./testdata/envoy.ts";
import { modelOf, snapshotOf } from "./testdata/fixtures.ts";
import { freePorts } from "../../test/support/ports.ts";
import { application, fileServer, get } from "./testdata/servers.ts";
import type { Listening } from "./testdata/servers.ts";
import { translate } from "./index.ts";
import type { ModuleRef, Translation } from "./index.ts";

const binary = process.env["ENVOY_BIN"] ?? "";

/**
 * A filter that shows the application its configuration, the address that Envoy takes for the client's, and whether it has
 * left a mark in its shared data before.
 */
const filterSource = `
  @external("env", "proxy_get_buffer_bytes")
  declare function getBuffer(type: u32, start: u32, max: u32, data: usize, size: usize): u32;
  @external("env", "proxy_get_property")
  declare function getProperty(path: usize, pathSize: usize, data: usize, size: usize): u32;
  @external("env", "proxy_add_header_map_value")
  declare function addHeader(map: u32, key: usize, keySize: usize, value: usize, valueSize: usize): u32;
  @external("env", "proxy_get_shared_data")
  declare function getShared(key: usize, keySize: usize, data: usize, size: usize, cas: usize): u32;
  @external("env", "proxy_set_shared_data")
  declare function setShared(key: usize, keySize: usize, data: usize, size: usize, cas: u32): u32;
  const name = String.UTF8.encode("x-config");
  const client = String.UTF8.encode("x-client");
  const path = String.UTF8.encode("source\\0address");
  const config = memory.data(8);
  const value = memory.data(8);
  const cas = memory.data(4);
  const mark = String.UTF8.encode("x-mark");
  function add(name: ArrayBuffer, value: usize): void {
    addHeader(0, changetype<usize>(name), name.byteLength, load<u32>(value), load<u32>(value + 4));
  }
  export function proxy_abi_version_0_2_1(): void {}
  export function proxy_on_memory_allocate(size: u32): usize { return heap.alloc(size); }
  export function proxy_on_configure(root: u32, size: u32): u32 {
    return getBuffer(7, 0, size, config, config + 4) == 0 ? 1 : 0;
  }
  export function proxy_on_request_headers(context: u32, count: u32, end: u32): u32 {
    add(name, config);
    if (getProperty(changetype<usize>(path), path.byteLength, value, value + 4) == 0) add(client, value);
    const key = changetype<usize>(mark);
    if (getShared(key, mark.byteLength, value, value + 4, cas) == 0) add(mark, value);
    else setShared(key, mark.byteLength, key, mark.byteLength, 0);
    return 0;
  }
`;

describe("a mesh in a real Envoy", { skip: binary === "" ? "ENVOY_BIN is not set" : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "translate-"));
  const servers: Listening[] = [];
  const envoys: RunningEnvoy[] = [];
  let outbound = 0;
  let inbound = 0;
  let webInbound = 0;
  let grpcInbound = 0;
  let adminInbound = 0;
  let meshText = "";
  let modules: ReadonlyMap<string, ModuleRef> = new Map();
  const translateMesh = (text: string): Translation =>
    translate(modelOf(text), modules, { modulesAuthority: "modules", modulesCluster: "meshwright-modules" });

  before(async () => {
    const { sha256, bytes } = await compileSource(filterSource);
    const moduleServer = await fileServer(`/modules/${sha256}.wasm`, bytes);
    servers.push(moduleServer);
    const [v1, v2, prices] = [await application("v1"), await application("v2"), await application("prices", "HTTP2")];
    const [grpc, admin] = [await application("grpc", "HTTP2"), await application("admin")];
    servers.push(v1, v2, prices, grpc, admin);
    const [web = 0, ...sidecarPorts] = await freePorts(6);
    [outbound = 0, inbound = 0, webInbound = 0, grpcInbound = 0, adminInbound = 0] = sidecarPorts;
    const ports: Readonly<Record<string, number>> = {
      ...{ shopV1: v1.port, shopV2: v2.port, prices: prices.port, web },
      ...{ shopInbound: inbound, webInbound, webOutbound: outbound },
      ...{ shopGrpc: grpc.port, shopGrpcInbound: grpcInbound, webAdmin: admin.port, webAdminInbound: adminInbound },
    };
    const mesh = readFileSync(new URL("testdata/envoy-mesh.yaml", import.meta.url), "utf8");
    meshText = mesh.replaceAll(/\$(\w+)/g, (_, name: string) => String(ports[name]));
    modules = new Map([["show", { sha256, size: bytes.length }]]);
    const translation = translateMesh(meshText);
    for (const node of ["web-1", "shop-v1-1"]) {
      const snapshot = snapshotOf(translation, node);
      const started = {
        binary,
        folder: join(folder, node),
        node,
        snapshot,
        modulesPort: moduleServer.port,
      };
      envoys.push(await startEnvoy(started));
    }
  });

  after(async () => {
    for (const envoy of envoys) await envoy[Symbol.asyncDispose]();
    for (const { server } of servers) await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it("is accepted without a complaint", () => {
    const expected = [
      /no configured limit to the number of allowed active downstream connections/,
      /Wasm remote code fetch is unstable/,
      // Two listeners have the filter, and the second asks for it while the module is on its way.
      /createWasm: failed to load \((?:in progress|cached)\)|failed to load$/,
      // Of the filters that are not there.
      /Unexpected number of resources in ExtensionConfigDS response: 0/,
    ];
    assert.deepEqual(
      envoys.flatMap(({ complaints }) => complaints.filter((line) => !expected.some((known) => known.test(line)))),
      [],
    );
  });

  const routes: [host: string, path: string, headers: Record<string, string>, application: string][] = [
    ["shop", "/", {}, "v1"],
    ["SHOP:80", "/", {}, "v1"],
    ["shop:9999", "/cartoon", {}, "v1"],
    ["shop", "/cart", {}, "v2"],
    ["shop", "/cart?x", {}, "v2"],
    ["shop", "//cart/./x", {}, "v2"],
    ["shop", "/exact", {}, "v2"],
    ["shop", "/exact/", {}, "v1"],
    ["shop", "/items/12", {}, "v2"],
    ["shop", "/items/12a", {}, "v1"],
    ["shop", "/any", { "x-variant": "b" }, "v2"],
    ["shop", "/any", { "x-variant": "a" }, "v1"],
    ["shop", "/any?variant=B", {}, "v2"],
    ["shop.example.com", "/", {}, "v1"],
    ["a.b.shop.example.com:8080", "/cart", {}, "v2"],
    ["shop-v2", "/", {}, "v2"],
    ["prices", "/", {}, "prices"],
  ];
  for (const [host, path, headers, application] of routes) {
    it(`takes ${host}${path} ${JSON.stringify(headers)} to ${application}`, async () => {
      const { status, seen } = await get(outbound, path, { ...headers, host });
      assert.deepEqual([status, seen["application"]], [200, application]);
    });
  }

  const refused: [what: string, host: string, path: string, status: number, text: RegExp][] = [
    ["an unknown host", "nobody", "/", 404, /^no Service has this host\n$/],
    [
      "a rule without backends, the longer prefix",
      "shop",
      "/cart/closed",
      500,
      /^HTTPRoute rule shop\/2\/0 has no backend\n$/,
    ],
    ["an escaped slash", "shop", "/a%2Fb", 400, /^/],
  ];
  for (const [what, host, path, status, text] of refused) {
    it(`answers ${what} with ${status}`, async () => {
      const answer = await get(outbound, path, { host });
      assert.equal(answer.status, status);
      assert.match(answer.text, text);
    });
  }

  it("changes headers as the rule says", async () => {
    const { headers, seen } = await get(outbound, "/cart", {
      host: "shop",
      "x-share": "1",
      "x-list": "one",
      "x-debug": "1",
    });
    assert.deepEqual(
      [seen["x-share"], seen["x-list"], seen["x-debug"], headers["x-version"], headers["server"]],
      ["100%", "one, more", undefined, "v2", "v2"],
    );
  });

  it("fetches the filter and gives it its configuration", async () => {
    const { seen } = await get(outbound, "/", { host: "shop" });
    assert.equal(Buffer.from(seen["x-config"]?.toString() ?? "", "latin1").toString("utf8"), '{"a":[1,"é"]}');
  });

  it("tells filters the client's address, not the sidecar's, and does not believe the client", async () => {
    const { seen } = await get(outbound, "/", { host: "shop", "x-forwarded-for": "203.0.113.9" });
    const [claimed, client] = seen["x-forwarded-for"]?.toString().split(",") ?? [];
    assert.equal(claimed, "203.0.113.9");
    // For a client on loopback Envoy writes the address of the machine.
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address));
    assert.ok(own.includes(client), client);
    assert.equal(seen["x-client"], `${client}:0`);
  });

  it("believes the last hop that a sidecar reports", async () => {
    const forwarded = { host: "shop-v1", "x-forwarded-for": "203.0.113.9, 198.51.100.7", "x-request-id": "kept" };
    const { seen } = await get(inbound, "/", forwarded);
    assert.equal(seen["x-client"], "198.51.100.7:0");
    assert.equal(seen["x-forwarded-for"], forwarded["x-forwarded-for"]);
    assert.equal(seen["x-request-id"], "kept");
  });

  it("refuses requests where a FailClosed filter is not there, and lets them pass for FailOpen", async () => {
    assert.equal((await get(webInbound, "/", { host: "web" })).status, 403);
    assert.equal((await get(outbound, "/", { host: "shop" })).status, 200);
  });

  it("runs the filter of a Service before each of its ports, also one for gRPC, and what each one leads to is its own", async () => {
    for (const [host, application] of [
      ["shop-v1", "v1"],
      ["shop-v1:9000", "grpc"],
    ] as const) {
      const { status, seen } = await get(outbound, "/", { host });
      assert.deepEqual([status, seen["application"]], [200, application]);
      assert.match(String(seen["x-config"]), /^\{"a"/);
    }
    // And for who goes to the port of the sidecar itself.
    assert.match(String((await get(grpcInbound, "/", { host: "any" })).seen["x-config"]), /^\{"a"/);
  });

  it("leaves a port open that a policy for another one does not name, and closed the one that it names", async () => {
    assert.equal((await get(webInbound, "/", { host: "web:81" })).status, 403);
    assert.equal((await get(adminInbound, "/", { host: "web:81" })).seen["application"], "admin");
    assert.equal((await get(outbound, "/", { host: "web:81" })).seen["application"], "admin");
    assert.equal((await get(outbound, "/", { host: "web:80" })).status, 403);
  });

  it("keeps a filter's shared data when its configuration changes", async () => {
    await get(outbound, "/", { host: "shop" });
    const changed = translateMesh(meshText.replace('{ a: [1, "é"] }', "{ b: 2 }"));
    const filter = changed.extensionConfig("show-shop", "");
    assert.ok(filter);
    envoys[1]?.update(filter);
    let { seen } = await get(outbound, "/", { host: "shop" });
    while (seen["x-config"] !== '{"b":2}') ({ seen } = await get(outbound, "/", { host: "shop" }));
    assert.equal(seen["x-mark"], "x-mark");
  });
});
