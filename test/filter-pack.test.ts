import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseTar } from "nanotar";
import { compile } from "../setup/filters.mjs";
import { dockerRegistry } from "../setup/docker-registry.mjs";
import { runCommand } from "./support/command.ts";
import { ImageRegistry } from "./support/registry.ts";

const binary = await dockerRegistry();
const skip = binary === undefined ? "docker-registry is not installed, and Debian's package could not be had" : false;

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** The user u with the password p: bcrypt is all that the registry takes. */
const htpasswd = "u:$2b$05$ruCesdnT1nL43nhrBOIg8.wrthXGmtXKDTT.bMtNL8Ba1X8turw7W\n";
const basic = Buffer.from("u:p").toString("base64");

interface Manifest {
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

describe("meshwright filter pack, with a real registry", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-pack-"));
  const module = join(folder, "hello.wasm");
  let registry: ImageRegistry;
  before(async () => {
    await compile("examples/hello/index.ts", module);
    registry = await ImageRegistry.start(binary ?? "", htpasswd);
    mkdirSync(join(folder, "docker"));
    writeFileSync(join(folder, "docker", "config.json"), JSON.stringify({ auths: { [registry.at]: { auth: basic } } }));
  });
  after(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  const pack = (args: readonly string[], docker = join(folder, "docker")): ReturnType<typeof runCommand> =>
    runCommand(["filter", "pack", module, ...args], { env: { ...process.env, DOCKER_CONFIG: docker } });

  const pull = async (path: string): Promise<{ type: string; bytes: Buffer }> =>
    registry.get(`filters/hello/${path}`, MANIFEST, `Basic ${basic}`);

  test("what was pushed is what is pulled: an ordinary image", async () => {
    const { code, output } = await pack(["--tag", `${registry.at}/filters/hello:1.0`, "--push"]);
    assert.equal(code, 0, output);
    const { type, bytes } = await pull("manifests/1.0");
    assert.equal(type, MANIFEST);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    assert.ok(output.includes(digest), output);
    const { layers, annotations } = JSON.parse(bytes.toString()) as Manifest;
    assert.deepEqual(annotations, { "module.wasm.image/variant": "compat" });
    const layer = await pull(`blobs/${layers.at(-1)?.digest ?? ""}`);
    const [file] = parseTar(gunzipSync(layer.bytes));
    assert.equal(file?.name, "plugin.wasm");
    assert.deepEqual(Buffer.from(file.data ?? ""), readFileSync(module));
  });

  test("and as an artifact; what is there already is not pushed again", async () => {
    const args = ["--tag", `${registry.at}/filters/hello:1.0-oci`, "--push", "--variant", "oci", "--root-id", "hello"];
    for (let i = 0; i < 2; i++) {
      const { code, output } = await pack(args);
      assert.equal(code, 0, output);
    }
    const { layers } = JSON.parse((await pull("manifests/1.0-oci")).bytes.toString()) as Manifest;
    const content = layers.find(({ mediaType }) => mediaType === "application/vnd.module.wasm.content.layer.v1+wasm");
    assert.deepEqual((await pull(`blobs/${content?.digest ?? ""}`)).bytes, readFileSync(module));
  });

  test("nobody pushes without a password", async () => {
    const { code, output } = await pack(["--tag", `${registry.at}/filters/hello:1.0`, "--push"], folder);
    assert.equal(code, 1);
    assert.match(output, /it asks who you are: run docker login for it first/);
  });

  test("what Envoy would refuse is not packed", async () => {
    const broken = join(folder, "broken.wasm");
    writeFileSync(broken, "not a module");
    const { code, output } = await runCommand(["filter", "pack", broken, "--tag", "localhost/a:1", "--push"]);
    assert.equal(code, 1);
    assert.match(output, /broken\.wasm: Envoy would refuse this module: not a readable WebAssembly module/);
  });
});
