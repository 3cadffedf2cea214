import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createTar } from "nanotar";
import { createImage, type Image, type Variant } from "./image.ts";
import { pullModule } from "./pull.ts";
import { parseReference } from "./reference.ts";

const module = Buffer.from("module");
const LIMIT = 100_000;

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A registry with this content by what comes last in the path. */
async function serve(content: ReadonlyMap<string, Uint8Array | string>): Promise<string> {
  const server = createServer((request, response) => {
    const found = content.get(request.url?.split("/").at(-1) ?? "");
    if (found === undefined) response.writeHead(404).end("unknown");
    else response.end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function contentOf({ manifest, blobs }: Image): Map<string, Uint8Array | string> {
  return new Map([
    ["1", manifest.bytes],
    ...[manifest, ...blobs].map(({ digest, bytes }): [string, Uint8Array] => [digest, bytes]),
  ]);
}

const pull = async (content: ReadonlyMap<string, Uint8Array | string>, at = ":1"): ReturnType<typeof pullModule> =>
  pullModule(parseReference(`${await serve(content)}/filters/a${at}`), undefined, LIMIT);

const image = (variant: Variant): Image => createImage(module, { variant, abiVersion: "0.2.1", rootIds: ["a"] });

/** An image with one layer of this type. */
function withLayer(mediaType: string, layer: Uint8Array): Map<string, Uint8Array | string> {
  const digest = digestOf(layer);
  return new Map<string, Uint8Array | string>([
    ["1", JSON.stringify({ layers: [{ mediaType, digest, size: layer.length }] })],
    [digest, layer],
  ]);
}

const tarOf = (name: string, data: Uint8Array): Uint8Array => createTar([{ name, data }]);

describe("pulling", () => {
  for (const variant of ["compat", "oci"] as const) {
    test(`the variant ${variant}, by tag and by digest`, async () => {
      const made = image(variant);
      for (const at of [":1", `@${made.manifest.digest}`, `:other@${made.manifest.digest}`]) {
        const pulled = await pull(contentOf(made), at);
        assert.deepEqual(Buffer.from(pulled.bytes), module);
        assert.equal(pulled.digest, made.manifest.digest);
      }
    });
  }

  test("an artifact of the CNCF's kind, and a layer as docker build makes it", async () => {
    assert.deepEqual(Buffer.from((await pull(withLayer("application/wasm", module))).bytes), module);
    const layer = gzipSync(tarOf("./plugin.wasm", module));
    const docker = withLayer("application/vnd.docker.image.rootfs.diff.tar.gzip", layer);
    assert.deepEqual(Buffer.from((await pull(docker)).bytes), module);
  });

  test("of an index the manifest for wasm", async () => {
    const made = image("compat");
    const other = digestOf(Buffer.from("other"));
    const index = JSON.stringify({
      manifests: [
        { digest: other, platform: { architecture: "amd64", os: "linux" } },
        { digest: made.manifest.digest, platform: { architecture: "wasm", os: "wasip1" } },
      ],
    });
    const pulled = await pull(new Map([...contentOf(made), ["1", index]]));
    assert.deepEqual(Buffer.from(pulled.bytes), module);
  });

  const bad: [what: string, content: ReadonlyMap<string, Uint8Array | string>, why: RegExp][] = [
    ["no such tag", new Map(), /refused the manifest 1 with status 404: unknown/],
    ["no JSON", new Map([["1", "<html>"]]), /the manifest 1 is none of an image/],
    ["no manifest", new Map([["1", '{"layers":[null]}']]), /the manifest 1 is none of an image/],
    ["no layers", new Map([["1", '{"layers":[]}']]), /no module in it/],
    ["an index of nothing", new Map([["1", '{"manifests":[]}']]), /its index names no manifest/],
    ["layers of another kind", withLayer("text/plain", module), /no module in it: .*found text\/plain/],
    ["no plugin.wasm", withLayer("application/vnd.oci.image.layer.v1.tar", tarOf("a", module)), /no file plugin\.wasm/],
    [
      "a layer that is cut off",
      withLayer("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(module).subarray(0, 12)),
      /its layer is no archive/,
    ],
    [
      "a layer that bursts",
      withLayer("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(Buffer.alloc(10_000_000))),
      /its layer is no archive of at most 100000 bytes/,
    ],
    [
      "a layer that says it is too long",
      withLayer("application/wasm", Buffer.alloc(LIMIT + 1)),
      /has 100001 bytes, expected at most 100000/,
    ],
  ];
  for (const [what, content, why] of bad) {
    test(`fails, and says why: ${what}`, () => assert.rejects(pull(content), why));
  }

  test("fails, and says why: other content than the digest says", async () => {
    const content = withLayer("application/wasm", module);
    await assert.rejects(
      pull(new Map([...content, [digestOf(module), "changed"]])),
      /is another: its digest is sha256:/,
    );
    const made = image("oci");
    const moved = new Map([...contentOf(made), [made.manifest.digest, '{"layers":[]}']]);
    await assert.rejects(pull(moved, `@${made.manifest.digest}`), /the manifest sha256:[0-9a-f]+ is another/);
  });
});
