import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { npmCommand } from "../controlplane/filter/npm.ts";
import { envoyBinary } from "../setup/envoy.mjs";
import { run } from "../setup/tools.mjs";
import { command, runCommand } from "./support/command.ts";
import { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

describe("meshwright filter new", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-new-"));
  const project = join(folder, "my-filter");
  const bin = join(project, "node_modules", "meshwright", "bin", "meshwright.js");
  // Node's test runner behaves otherwise under another one.
  const env = { ...process.env };
  delete env["NODE_TEST_CONTEXT"];
  const [npmProgram, ...npmFirst] = npmCommand();
  const npm = (...args: string[]): Promise<Buffer> => run(npmProgram, [...npmFirst, ...args], { cwd: project, env });

  before(async () => {
    const { code, output } = await runCommand(["filter", "new", "my-filter"], { cwd: folder });
    assert.equal(code, 0, output);
    // What npm pack made is all that the project has of this repository. No command of a filter needs the binding of SQLite, which takes a
    // minute to build where no built one can be downloaded.
    await npm("install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts");
  });
  after(() => rmSync(folder, { recursive: true }));

  test("puts the name where it belongs", () => {
    const files = readdirSync(project, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && !/node_modules|vendor/.test(entry.parentPath) && entry.name !== "package-lock.json",
    );
    for (const { parentPath, name } of files) {
      assert.doesNotMatch(readFileSync(join(parentPath, name), "utf8"), /__\w+__|\bNAME\b/, name);
    }
    assert.match(readFileSync(join(project, "README.md"), "utf8"), /^# my-filter\n/);
  });

  test("makes a project whose tests pass", async () => {
    const output = (await npm("test")).toString();
    assert.match(output, /build\/my-filter\.wasm: [\d,]+ bytes, ABI 0\.2\.1/);
    assert.match(output, /pass 2\b/);
    assert.match(output, /fail 0\b/);
  });

  test("and which runs in Envoy as its envoy.yaml says", async () => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const configuration = readFileSync(join(project, "envoy.yaml"), "utf8")
      .replace("port_value: 10000", `port_value: ${String(port)}`)
      .replace("port_value: 10001", `port_value: ${String(adminPort)}`)
      .replace("build/my-filter.wasm", join(project, "build", "my-filter.wasm"));
    const envoy = await Envoy.start("my-filter", configuration, adminPort);
    try {
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      assert.equal((await get(port, "/", { headers: { "x-user": "ada" } })).headers["x-greeting"], "hello, ada");
    } finally {
      await envoy.stop();
    }
  });

  test("and under its own meshwright filter dev, which leaves nothing behind", async () => {
    const [port = 0] = await freePorts(1);
    const dev = command(["filter", "dev", "--port", String(port)], {
      bin,
      cwd: project,
      env: { ...env, ENVOY_BIN: await envoyBinary() },
    });
    try {
      await dev.waitFor(/live after/);
      const answer = await get(port, "/echo", { headers: { "x-user": "ada" } });
      assert.equal(answer.headers["x-greeting"], "hello, ada");
      assert.equal((JSON.parse(answer.body) as { path: string }).path, "/echo");
    } finally {
      await dev.stop("SIGINT");
    }
    assert.equal(dev.child.exitCode, 0);
    await assert.rejects(get(port, "/"));
  });

  test("and from there another one, of the same packages", async () => {
    const { code, output } = await runCommand(["filter", "new", "other"], { bin, cwd: folder });
    assert.equal(code, 0, output);
    const manifest = (name: string): { devDependencies: object } =>
      JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")) as { devDependencies: object };
    const { devDependencies } = manifest("other");
    assert.deepEqual(devDependencies, manifest("my-filter").devDependencies);
    for (const from of Object.values(devDependencies) as string[]) {
      if (from.startsWith("file:")) assert.ok(existsSync(join(folder, "other", from.slice("file:".length))), from);
    }
  });

  test("but does not touch a folder that is there", async () => {
    const { code, output } = await runCommand(["filter", "new", "my-filter"], { cwd: folder });
    assert.equal(code, 1);
    assert.match(output, /my-filter is there already; nothing was changed/);
  });
});
