import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pino } from "pino";
import { ControlPlane } from "../controlplane/control/index.ts";
import { packFilter, signFilter } from "../controlplane/filter/index.ts";
import { formatProblem } from "../controlplane/model/index.ts";
import { readKeys } from "../controlplane/signatures/index.ts";
import { FolderSource } from "../controlplane/source/index.ts";
import { SqliteStore } from "../controlplane/store/index.ts";
import { dockerRegistry } from "../setup/docker-registry.mjs";
import { probeModule, withNote } from "./support/probe.ts";
import { ImageRegistry } from "./support/registry.ts";
import { until } from "./support/until.ts";

const binary = await dockerRegistry();
const skip = binary === undefined ? "docker-registry is not installed, and Debian's package could not be had" : false;
const probe = await probeModule();
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("modules that have to be signed, with a real registry", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-signed-"));
  const path = (name: string): string => join(folder, name);
  let registry: ImageRegistry;
  let server: Server;
  let plane: ControlPlane;
  const served = new Map<string, string | Buffer>();

  before(async () => {
    for (const name of ["config", "keys", "state"]) mkdirSync(path(name));
    for (const name of ["release", "stranger", "second"]) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      writeFileSync(path(`${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }));
      writeFileSync(path(`${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
    }
    trust("release", "second");
    registry = await ImageRegistry.start(binary ?? "");
    server = createServer((request, response) => {
      const found = served.get(request.url ?? "");
      response.writeHead(found === undefined ? 404 : 200).end(found);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    plane = await start();
  });
  after(async () => {
    await plane.close();
    server.close();
    server.closeAllConnections();
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  function trust(...names: string[]): void {
    rmSync(path("keys"), { recursive: true });
    mkdirSync(path("keys"));
    for (const name of names) {
      const text = readFileSync(path(`${name}.pub`), "utf8");
      writeFileSync(join(path("keys"), `${name}.pub`), text);
    }
  }

  async function start(): Promise<ControlPlane> {
    return ControlPlane.start({
      source: new FolderSource(path("config")),
      stateFolder: path("state"),
      store: SqliteStore.open(join(path("state"), "state.db")),
      moduleKeys: () => readKeys(path("keys")),
      moduleRetryMs: 20,
      xds: { host: "127.0.0.1", port: 0 },
      http: { host: "127.0.0.1", port: 0 },
      modulesCluster: "modules",
      log: pino({ enabled: false }),
    });
  }

  /** Writes the one WasmModule there is, and has it read. @returns what is wrong with it. */
  async function say(spec: object): Promise<string> {
    const resource = { apiVersion: "meshwright.dev/v1alpha1", kind: "WasmModule", metadata: { name: "probe" }, spec };
    writeFileSync(join(path("config"), "module.yaml"), JSON.stringify(resource));
    await plane.reload();
    return plane.refused.map(formatProblem).join("\n");
  }

  const runs = (): string | undefined => plane.release?.modules.get("probe")?.sha256;

  async function push(tag: string, note: string, key?: string): Promise<Buffer> {
    const bytes = withNote(probe, note);
    writeFileSync(path(`${note}.wasm`), bytes);
    const options = { tag: `${registry.at}/filters/probe:${tag}`, push: true, out: undefined, rootIds: [] };
    await packFilter(path(`${note}.wasm`), {
      ...options,
      variant: "compat",
      ...(key === undefined ? {} : { sign: path(`${key}.key`) }),
    });
    return bytes;
  }
  const image = (tag: string): { image: string } => ({ image: `${registry.at}/filters/probe:${tag}` });

  test("an image that a trusted key has signed is taken, and served when its registry has nothing any more", async () => {
    const good = await push("1", "good", "release");
    assert.equal(await say(image("1")), "");
    assert.equal(runs(), hash(good));
    await plane.close();
    await registry.stop();
    plane = await start();
    assert.equal(runs(), hash(good));
    registry = await ImageRegistry.start(binary ?? "");
  });

  test("one that nobody signed, or somebody else, is refused, and what was served stays", async () => {
    const before = runs();
    await push("2", "unsigned");
    assert.match(
      await say(image("2")),
      /spec\.image: the module [0-9a-f]{64} is refused: .*probe:2 is not signed: its registry has no signature of sha256:/,
    );
    await push("3", "by-a-stranger", "stranger");
    assert.match(
      await say(image("3")),
      /spec\.image: .*is refused: .*probe:3: the signature is not one of the keys release, second/,
    );
    assert.equal(runs(), before);
  });

  test("a signature of another image is none, wherever it is put", async () => {
    const before = runs();
    await push("4", "signed", "release");
    await push("5", "unsigned-too");
    const accept = "application/vnd.oci.image.manifest.v1+json";
    const digest = async (tag: string): Promise<string> => {
      const { bytes } = await registry.get(`filters/probe/manifests/${tag}`, accept);
      return `sha256-${hash(bytes)}.sig`;
    };
    const { bytes } = await registry.get(`filters/probe/manifests/${await digest("4")}`, accept);
    const url = `http://${registry.at}/v2/filters/probe/manifests/${await digest("5")}`;
    const put = await fetch(url, { method: "PUT", body: bytes, headers: { "content-type": accept } });
    assert.equal(put.status, 201);
    assert.match(await say(image("5")), /what is signed is the image sha256:[0-9a-f]+, not sha256:/);
    assert.equal(runs(), before);
  });

  test("one that is signed later comes by itself, also when another was pushed under its tag", async () => {
    await push("6", "first");
    assert.match(await say(image("6")), /is not signed/);
    const second = await push("6", "second-try", "second");
    await until(() => runs() === hash(second), 20_000);
    assert.deepEqual(plane.refused, []);
  });

  test("a tag that is moved to another signed module changes nothing", async () => {
    const before = runs();
    await push("6", "moved", "release");
    assert.equal(await say(image("6")), "");
    assert.equal(runs(), before);
  });

  test("a module may ask for one of the keys, and not for one that is not trusted", async () => {
    await push("7", "by-second", "second");
    assert.match(await say({ ...image("7"), verify: ["release"] }), /the signature is not one of the keys release$/m);
    assert.match(
      await say({ ...image("7"), verify: ["stranger"] }),
      /there is no key stranger; found the keys release, second/,
    );
    assert.equal(await say({ ...image("7"), verify: ["second"] }), "");
  });

  test("a key that is trusted no more counts no more at the next change, and what is served stays", async () => {
    const before = runs();
    trust("release");
    assert.match(
      await say({ ...image("7"), sha256: before }),
      /is refused: .*the signature is not one of the keys release/,
    );
    assert.equal(runs(), before);
    trust("release", "second");
    await until(async () => (await say(image("7"))) === "", 20_000);
  });

  test("a file and a URL need their signature beside them", async () => {
    const bytes = withNote(probe, "file");
    writeFileSync(join(path("config"), "probe.wasm"), bytes);
    assert.match(
      await say({ file: "probe.wasm" }),
      /spec\.signature: .*it is not signed: expected the field signature/,
    );
    signFilter(join(path("config"), "probe.wasm"), path("release.key"), join(path("config"), "probe.wasm.sig"));
    assert.equal(await say({ file: "probe.wasm", signature: "probe.wasm.sig" }), "");
    assert.equal(runs(), hash(bytes));
    writeFileSync(join(path("config"), "probe.wasm"), withNote(probe, "tampered"));
    assert.match(
      await say({ file: "probe.wasm", signature: "probe.wasm.sig", sha256: hash(withNote(probe, "tampered")) }),
      /is not one of the keys/,
    );
    assert.equal(runs(), hash(bytes));
    assert.match(await say({ file: "probe.wasm", signature: "none.sig" }), /spec\.signature: .*none\.sig/);

    const { port } = server.address() as AddressInfo;
    const origin = `http://127.0.0.1:${String(port)}`;
    const remote = withNote(probe, "remote");
    served.set("/probe.wasm", remote);
    const spec = { url: `${origin}/probe.wasm`, sha256: hash(remote), signature: `${origin}/probe.wasm.sig` };
    assert.match(await say(spec), /probe\.wasm\.sig: the answer's status is 404/);
    const key = readFileSync(path("release.key"), "utf8");
    served.set("/probe.wasm.sig", sign("sha256", remote, key).toString("base64"));
    await until(() => runs() === hash(remote), 20_000);
    served.clear();
    await plane.close();
    plane = await start();
    assert.equal(runs(), hash(remote));
  });
});
