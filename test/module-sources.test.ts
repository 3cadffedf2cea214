import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { dockerRegistry } from "../setup/docker-registry.mjs";
import { runCommand } from "./support/command.ts";
import type { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";
import { ImageRegistry } from "./support/registry.ts";

const binary = await dockerRegistry();
const skip = binary === undefined ? "docker-registry is not installed, and Debian's package could not be had" : false;

describe("modules from elsewhere, in real Envoy", { skip }, () => {
  /** The probe with another hash than that of the file, so that it is the one of the server that is seen. */
  let bytes: Buffer;
  let sha256 = "";
  let registry: ImageRegistry | undefined;
  let service: OneService;
  let mesh: Mesh;
  let envoy: Envoy;
  let server: Server | undefined;

  before(async () => {
    bytes = Buffer.concat([await probeModule(), customSection("from-a-server")]);
    sha256 = createHash("sha256").update(bytes).digest("hex");
    registry = await ImageRegistry.start(binary ?? "");
    service = await startOneService("file");
    ({ mesh, envoy } = service);
  });
  after(async () => {
    await service.stop();
    await registry?.stop();
    server?.close();
    server?.closeAllConnections();
  });

  /** Changes where the module comes from, and the mark with it. */
  function comeFrom(place: object, mark: string): void {
    const text = mesh.read("service.yaml").replace(/^spec: \{ (file|"image"|"url").*$/m, () => {
      return `spec: ${JSON.stringify(place).replace("{", "{ ")}`;
    });
    mesh.write("service.yaml", text);
    writePolicy(mesh, { mark });
  }

  const mark = async (): Promise<unknown> => (await get(service.port, "/")).headers["x-probe"];

  test("an image; then the registry is gone, and what was fetched is still served, over a restart too", async () => {
    const module = join(mesh.folder, "other.wasm");
    const packedBytes = Buffer.concat([await probeModule(), customSection("from-an-image")]);
    writeFileSync(module, packedBytes);
    const image = `${registry?.at ?? ""}/filters/probe:1.0`;
    const packed = await runCommand(["filter", "pack", module, "--tag", image, "--push"]);
    assert.equal(packed.code, 0, packed.output);

    comeFrom({ image }, "image");
    await envoy.until(async () => (await mark()) === "image");
    const inImage = createHash("sha256").update(packedBytes).digest("hex");
    assert.equal((await mesh.sidecar("web-1")).filters[0]?.module, inImage);

    await registry?.stop();
    registry = undefined;
    writePolicy(mesh, { mark: "without registry" });
    await envoy.until(async () => (await mark()) === "without registry");
    await mesh.controlPlane?.stop("SIGKILL");
    await mesh.startControlPlane();
    await mesh.until("web-1", ({ state }) => state === "ready");
    writePolicy(mesh, { mark: "after a restart" });
    await envoy.until(async () => (await mark()) === "after a restart");
    assert.equal((await mesh.until("web-1", ({ state }) => state === "ready")).filters[0]?.module, inImage);
  });

  test("a server that does not answer: the change waits, and comes by itself once it answers", async () => {
    const [port = 0] = await freePorts(1);
    comeFrom({ url: `http://127.0.0.1:${String(port)}/probe.wasm`, sha256 }, "server");
    await mesh.controlPlane?.waitFor(/service\.yaml:\d+:\d+: spec\.url: .*no answer: .*ECONNREFUSED/);
    assert.equal(await mark(), "after a restart");
    server = createServer((_, response) => response.end(bytes));
    await new Promise<void>((resolve) => server?.listen(port, "127.0.0.1", resolve));
    await envoy.until(async () => (await mark()) === "server");
    assert.equal((await mesh.until("web-1", ({ state }) => state === "ready")).filters[0]?.module, sha256);
    assert.deepEqual((await mesh.status()).configuration.refused, []);
  });

  test("the modules are listed, with where they came from and what refers to them", async () => {
    const packed = Buffer.concat([await probeModule(), customSection("from-an-image")]);
    const inImage = createHash("sha256").update(packed).digest("hex");
    const modules = (...args: string[]): Promise<string> =>
      mesh.meshwright("modules", [...args, "--http", `127.0.0.1:${String(mesh.httpPort)}`]);
    await envoy.until(async () => /used by the sidecar web-1/.test(await modules("list")));
    const lines = (await modules("list")).split("\n");
    const of = (start: string): string => {
      const at = lines.findIndex((line) => line.startsWith(start));
      const end = lines.findIndex((line, i) => i > at && !line.startsWith(" "));
      return lines.slice(at, end).join("\n");
    };
    assert.match(of(sha256), /^\w+ {2}[\d,]+ bytes\n {2}from http:.*\/probe\.wasm\n/);
    assert.match(
      of(sha256),
      /used by WasmModule probe, which is served\n.*used by the sidecar web-1, which has the filter/s,
    );
    assert.match(of(inImage), /used by the pin of/);
    assert.match(lines.join("\n"), /from 127[.\d:]+\/filters\/probe:1\.0/);
    assert.match(await modules("collect", "--dry-run"), /^would remove 0 of \d modules, 0 bytes\n/);
    assert.match(await modules("collect"), /^removed 0 of \d modules, 0 bytes\n/);
  });
});

/** A section of a Wasm module that means nothing. */
function customSection(name: string): Buffer {
  const content = Buffer.from([name.length, ...Buffer.from(name)]);
  return Buffer.from([0, content.length, ...content]);
}
