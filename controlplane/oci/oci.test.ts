import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseTar } from "nanotar";
import { credentialsFor } from "./credentials.ts";
import { createImage, type Blob } from "./image.ts";
import { writeLayout } from "./layout.ts";
import { formatReference, parseReference } from "./reference.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-oci-"));
after(() => rmSync(folder, { recursive: true }));

const module = Buffer.from("any bytes");
const options = { abiVersion: "0.2.1", rootIds: ["a"] };

const json = ({ bytes }: Blob): unknown => JSON.parse(Buffer.from(bytes).toString());

describe("references", () => {
  const good = [
    "localhost/a:1",
    "localhost:5000/a/b-c:1.0",
    "r.example.com/a__b/c.d:V_1-x",
    "127.0.0.1:5000/a:latest",
    "[::1]:5000/a:1",
    `r.example.com/a@sha256:${"0a".repeat(32)}`,
    `localhost:5000/a:1@sha256:${"0a".repeat(32)}`,
  ];
  for (const text of good) test(`${text} is one`, () => assert.equal(formatReference(parseReference(text)), text));

  const bad: [text: string, why: RegExp][] = [
    ["", /no host/],
    ["hello:1", /no host/],
    ["library/hello:1", /no host/],
    ["r.example.com/hello", /no tag/],
    ["localhost:5000/hello", /no tag/],
    ["r.example.com/Hello:1", /lower-case/],
    ["r.example.com/a//b:1", /lower-case/],
    ["r.example.com/:1", /lower-case/],
    ["r.example.com/../a:1", /lower-case/],
    ["r.example.com/a:-", /no tag/],
    ["r.example.com/a@sha256:00", /a digest is/],
    ["r.example.com/a:1@sha512:00", /a digest is/],
    ["r.example.com/a:@sha256:00", /a digest is/],
    [`r.example.com/a:@sha256:${"0".repeat(64)}`, /no tag/],
    ["https://r.example.com/a:1", /no host/],
    ["user@r.example.com/a:1", /no host/],
  ];
  for (const [text, why] of bad) test(`"${text}" is none`, () => assert.throws(() => parseReference(text), why));
});

describe("images", () => {
  test("compat: one layer with plugin.wasm, as the specification's variant asks", () => {
    const { manifest, blobs } = createImage(module, { ...options, variant: "compat" });
    const [config, layer] = blobs;
    assert.ok(config !== undefined && layer !== undefined);
    assert.deepEqual(json(manifest), {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: config.digest,
        size: config.bytes.length,
      },
      layers: [
        { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: layer.digest, size: layer.bytes.length },
      ],
      annotations: { "module.wasm.image/variant": "compat" },
    });
    const tar = gunzipSync(layer.bytes);
    assert.deepEqual(
      parseTar(tar).map(({ name, data }) => [name, Buffer.from(data ?? "").toString()]),
      [["plugin.wasm", "any bytes"]],
    );
    const { rootfs } = json(config) as { rootfs: { diff_ids: string[] } };
    assert.deepEqual(rootfs.diff_ids, [`sha256:${createHash("sha256").update(tar).digest("hex")}`]);
  });

  test("oci: the module and its description", () => {
    const { manifest, blobs } = createImage(module, { ...options, variant: "oci" });
    const { layers } = json(manifest) as { layers: { mediaType: string }[] };
    assert.deepEqual(
      layers.map(({ mediaType }) => mediaType),
      ["application/vnd.module.wasm.config.v1+json", "application/vnd.module.wasm.content.layer.v1+wasm"],
    );
    assert.deepEqual(blobs[1] && json(blobs[1]), {
      type: "envoy_proxy",
      abiVersions: ["0.2.1"],
      config: { root_ids: ["a"] },
    });
    assert.deepEqual(blobs[2]?.bytes, module);
  });

  test("the same module makes the same image", () => {
    for (const variant of ["compat", "oci"] as const) {
      assert.deepEqual(createImage(module, { ...options, variant }), createImage(module, { ...options, variant }));
    }
  });

  test("a layout has every blob under its digest, in a folder as in a file", () => {
    const image = createImage(module, { ...options, variant: "compat" });
    writeLayout(image, "1.0", join(folder, "layout"));
    writeLayout(image, "1.0", join(folder, "layout.tar"));
    const files = parseTar(readFileSync(join(folder, "layout.tar")));
    assert.deepEqual(
      files.map(({ name }) => name),
      [
        "oci-layout",
        "index.json",
        ...[image.manifest, ...image.blobs].map(({ digest }) => `blobs/${digest.replace(":", "/")}`),
      ],
    );
    for (const { name, data } of files)
      assert.deepEqual(Buffer.from(data ?? ""), readFileSync(join(folder, "layout", name)));
    const index = JSON.parse(readFileSync(join(folder, "layout", "index.json"), "utf8")) as {
      manifests: { digest: string; annotations: object }[];
    };
    const annotations = { "org.opencontainers.image.ref.name": "1.0" };
    assert.deepEqual(
      index.manifests.map(({ digest, annotations }) => ({ digest, annotations })),
      [{ digest: image.manifest.digest, annotations }],
    );
  });
});

describe("credentials", () => {
  const cases: [what: string, config: string | undefined, answer: string | undefined | RegExp][] = [
    ["none without a file", undefined, undefined],
    ["what docker login wrote", '{"auths":{"r.example.com":{"auth":"dTpw"}}}', "dTpw"],
    ["a name and a password", '{"auths":{"r.example.com":{"username":"u","password":"p"}}}', "dTpw"],
    ["a registry as a URL", '{"auths":{"https://r.example.com/v1/":{"auth":"dTpw"}}}', "dTpw"],
    ["none for another registry", '{"auths":{"other":{"auth":"dTpw"}}}', undefined],
    ["a helper's are out of reach", '{"credHelpers":{"r.example.com":"x"}}', /helper program/],
    ["a store's are out of reach", '{"auths":{"r.example.com":{}},"credsStore":"desktop"}', /helper program/],
    ["a file that is no JSON", "{", /expected a JSON object/],
  ];
  for (const [what, config, answer] of cases) {
    test(what, () => {
      const home = mkdtempSync(join(folder, "docker-"));
      if (config !== undefined) writeFileSync(join(home, "config.json"), config);
      const ask = (): string | undefined => credentialsFor("r.example.com", { DOCKER_CONFIG: home });
      if (answer instanceof RegExp) assert.throws(ask, answer);
      else assert.equal(ask(), answer);
    });
  }
});
