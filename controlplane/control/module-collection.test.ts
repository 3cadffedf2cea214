// Which modules a control plane keeps.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pino } from "pino";
import { freePorts } from "../../test/support/ports.ts";
import { until } from "../../test/support/until.ts";
import { probeModule, withNote } from "../../test/support/probe.ts";
import { createImage } from "../oci/index.ts";
import { MergedSource } from "../source/index.ts";
import { SqliteStore } from "../store/index.ts";
import { deltaWire } from "../xds/testdata/client.ts";
import { TypeUrl } from "../xds/index.ts";
import { ControlPlane } from "./index.ts";

const probe = await probeModule();
const variant = (text: string): Buffer => withNote(probe, text);
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const folder = mkdtempSync(join(tmpdir(), "meshwright-collection-"));
const files = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
const server = createServer((request, response) => {
  const found = files.get(request.url ?? "");
  response.writeHead(found === undefined ? 404 : 200, { "content-type": found?.type ?? "text/plain" });
  response.end(found?.bytes);
});
before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
const host = (): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`;

/** A server has the module, and gives what a WasmModule says of it. */
function atUrl(text: string): string {
  const bytes = variant(text);
  files.set(`/${text}.wasm`, { type: "application/wasm", bytes });
  return `url: "http://${host()}/${text}.wasm", sha256: ${hash(bytes)}`;
}

function asImage(text: string): string {
  const image = createImage(variant(text), { variant: "oci", abiVersion: "0.2.1", rootIds: [] });
  files.set(`/v2/${text}/manifests/1`, { type: image.manifest.mediaType, bytes: image.manifest.bytes });
  for (const { digest, bytes } of image.blobs)
    files.set(`/v2/${text}/blobs/${digest}`, { type: "application/octet-stream", bytes });
  return `image: "${host()}/${text}:1"`;
}

const resources = (module: string, mark: string, more = ""): string => `
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec: { port: 80, endpoints: [{ address: 127.0.0.1, port: 1, sidecar: { node: web-1, inboundPort: 2 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: probe }
spec: { ${module} }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: probe }
spec: { targetRefs: [{ kind: Service, name: web }], direction: Inbound, module: probe, configuration: { mark: ${mark} } }
${more}`;

const REVISIONS_IN_REACH = 3;
let number = 0;
type Plane = ControlPlane & { readonly state: string; readonly xdsPort: number; apply(text: string): Promise<number> };

/** A control plane without a folder of resources, which removes soon what nothing refers to. */
async function start(state = join(folder, String(++number))): Promise<Plane> {
  const [xdsPort = 0] = await freePorts(1);
  const plane = await ControlPlane.start({
    source: new MergedSource([]),
    stateFolder: state,
    store: SqliteStore.open(join(state, "state.db")),
    moduleGraceMs: 1,
    moduleRevisions: REVISIONS_IN_REACH,
    xds: { host: "127.0.0.1", port: xdsPort },
    http: { host: "127.0.0.1", port: 0 },
    modulesCluster: "modules",
    log: pino({ enabled: false }),
  });
  const apply = async (text: string): Promise<number> => {
    const file = { path: "mesh.yaml", text, assets: new Map([["probe.wasm", variant("file")]]) };
    const made = await plane.resources?.apply([file], { author: "ann", message: "" }, { dryRun: false });
    await plane.reload();
    assert.deepEqual(plane.refused, []);
    return made?.revision ?? 0;
  };
  return Object.assign(plane, { state, xdsPort, apply });
}

/** Looks until enough time of grace has passed for whatever nothing refers to, and gives what is left. */
async function collect(plane: ControlPlane): Promise<string[]> {
  for (let i = 0; i < 3; i++) {
    await plane.collector.collect();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const { modules } = await plane.collector.collect();
  return modules.filter(({ isRemoved }) => !isRemoved).map(({ sha256 }) => sha256);
}

const served = (plane: ControlPlane): string | undefined => plane.release?.modules.get("probe")?.sha256;
const usersOf = async (plane: ControlPlane, sha256: string): Promise<readonly string[]> =>
  (await plane.collector.look()).modules.find((one) => one.sha256 === sha256)?.referredToBy ?? [];

describe("of applied resources", () => {
  test("what a rollback can reach stays, what it has by itself need not, and what is out of reach goes", async () => {
    const plane = await start();
    try {
      const ofFile = await plane.apply(resources("file: probe.wasm", "a"));
      await plane.apply(resources(atUrl("one"), "a"));
      await plane.apply(resources(atUrl("two"), "a"));
      const [one, two] = [hash(variant("one")), hash(variant("two"))];
      assert.deepEqual((await collect(plane)).sort(), [one, two].sort());
      assert.deepEqual(await usersOf(plane, one), ["WasmModule probe of revision 2"]);

      // The server is gone; the module is not.
      files.delete("/one.wasm");
      await plane.resources?.rollback(2, { author: "ann", message: "" }, { dryRun: false });
      await plane.reload();
      assert.equal(served(plane), one);
      // What was in a file comes from the history itself.
      await plane.resources?.rollback(ofFile, { author: "ann", message: "" }, { dryRun: false });
      await plane.reload();
      assert.equal(served(plane), hash(variant("file")));

      for (let i = 0; i < REVISIONS_IN_REACH; i++) await plane.apply(resources("file: probe.wasm", `a${String(i)}`));
      assert.deepEqual(await collect(plane), [hash(variant("file"))]);
      await assert.rejects(
        Promise.resolve(plane.resources?.rollback(2, { author: "ann", message: "" }, { dryRun: false })),
        /one\.wasm: the answer's status is 404/,
      );
      assert.equal(served(plane), hash(variant("file")));
    } finally {
      await plane.close();
    }
  });
});

test("a pin keeps its module until it is given up, which needs that nothing names the image", async () => {
  const plane = await start();
  try {
    await plane.apply(resources(asImage("pinned"), "a"));
    const pinned = hash(variant("pinned"));
    assert.match((await plane.moduleKeeping.unpin(`${host()}/pinned:1`)) ?? "", /WasmModule probe names/);
    for (let i = 0; i < REVISIONS_IN_REACH; i++) await plane.apply(resources("file: probe.wasm", `a${String(i)}`));
    assert.ok((await collect(plane)).includes(pinned));
    assert.deepEqual(await usersOf(plane, pinned), [`the pin of ${host()}/pinned:1`]);
    assert.equal(await plane.moduleKeeping.unpin(`${host()}/pinned:1`), undefined);
    assert.match((await plane.moduleKeeping.unpin(`${host()}/pinned:1`)) ?? "", /no module is pinned/);
    assert.deepEqual(await collect(plane), [hash(variant("file"))]);
  } finally {
    await plane.close();
  }
});

test("what a sidecar acknowledged stays until it has something else, over a restart as well", async () => {
  let plane = await start();
  const { state } = plane;
  const held = hash(variant("held"));
  const typeUrl = TypeUrl.extensionConfig;
  const hello = { node: { id: "web-1", cluster: "web" }, typeUrl, resourceNamesSubscribe: ["probe"] };
  try {
    await plane.apply(resources(atUrl("held"), "a"));
    let wire = deltaWire(plane.xdsPort).send(hello);
    const first = await wire.next();
    const acked = first.resources[0]?.version ?? "";
    wire.send({ typeUrl, responseNonce: first.nonce });
    for (let i = 0; i < REVISIONS_IN_REACH; i++) await plane.apply(resources("file: probe.wasm", `a${String(i)}`));
    await until(async () => (await usersOf(plane, held)).some((user) => /sidecar web-1/.test(user)), 10_000);
    assert.ok((await collect(plane)).includes(held));
    wire.close();

    await plane.close();
    plane = await start(state);
    wire = deltaWire(plane.xdsPort).send({ ...hello, initialResourceVersions: { probe: acked } });
    const next = await wire.next();
    assert.ok((await collect(plane)).includes(held));
    assert.deepEqual(await usersOf(plane, held), ["the sidecar web-1, which has the filter probe with it"]);
    wire.send({ typeUrl, responseNonce: next.nonce });
    await until(async () => (await usersOf(plane, held)).length === 0, 10_000);
    assert.ok(!(await collect(plane)).includes(held));
    wire.close();
  } finally {
    await plane.close();
  }
});

test("while a sidecar has what nobody knows, nothing is removed, and it is said why", async () => {
  const plane = await start();
  try {
    await plane.apply(resources(atUrl("old"), "a"));
    const wire = deltaWire(plane.xdsPort).send({
      node: { id: "web-1", cluster: "web" },
      typeUrl: TypeUrl.extensionConfig,
      resourceNamesSubscribe: ["probe"],
      initialResourceVersions: { probe: "0123456789abcdef" },
    });
    await wire.next();
    for (let i = 0; i < REVISIONS_IN_REACH; i++) await plane.apply(resources("file: probe.wasm", `a${String(i)}`));
    assert.ok((await collect(plane)).includes(hash(variant("old"))));
    assert.match(
      (await plane.collector.look()).unclear.join(),
      /web-1 has the filter probe in the version 0123456789abcdef/,
    );
    wire.close();
  } finally {
    await plane.close();
  }
});
