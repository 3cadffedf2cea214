// What is applied to a control plane survives whatever happens to its process and its disk.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../setup/paths.mjs";
import type { ResourceList } from "../controlplane/api/index.ts";
import { runCommand } from "./support/command.ts";
import { freePorts } from "./support/ports.ts";
import { Process } from "./support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-state-"));
const meshwright = join(root, "node_modules", ".bin", "meshwright");
let http = "";
let xds = "";
let server: Process | undefined;
before(async () => {
  const [xdsPort = 0, httpPort = 0] = await freePorts(2);
  [xds, http] = [`127.0.0.1:${String(xdsPort)}`, `127.0.0.1:${String(httpPort)}`];
});
after(async () => {
  await server?.stop("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Starts a control plane on a state folder; `limitKb` is the largest file that it may write. */
async function serve(
  state: string,
  { limitKb = "unlimited", args = [] as readonly string[], wait = true } = {},
): Promise<Process> {
  await server?.stop("SIGKILL");
  const command = [
    process.execPath,
    meshwright,
    "serve",
    "--state",
    join(folder, state),
    "--xds",
    xds,
    "--http",
    http,
    ...args,
  ];
  server = new Process("meshwright serve", "bash", ["-c", `ulimit -f ${limitKb}; exec "$@"`, "bash", ...command]);
  if (wait) await server.waitFor(/xDS on /);
  return server;
}

const service = (name: string, note = ""): string =>
  `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name}, annotations: { note: "${note}" } }\nspec: { port: 80 }\n`;

/** The status of the answer to an apply; undefined when there was none. */
async function apply(...texts: string[]): Promise<number | undefined> {
  const body = JSON.stringify({ files: [{ path: "test.yaml", text: texts.join("---\n") }] });
  const headers = { "content-type": "application/json" };
  return fetch(`http://${http}/api/v1/apply`, { method: "POST", headers, body }).then(
    async (response) => {
      await response.text();
      return response.status;
    },
    () => undefined,
  );
}

async function names(): Promise<Set<string>> {
  const response = await fetch(`http://${http}/api/v1/resources`);
  return new Set(((await response.json()) as ResourceList).resources.map(({ name }) => name));
}

test("killed 20 times while changes are applied, it has every acknowledged change, and none by half", async () => {
  const acknowledged: string[] = [];
  let tried = 0;
  for (let round = 0; round < 20; round++) {
    const child = await serve("killed");
    const kept = await names();
    for (const name of acknowledged)
      assert.ok(kept.has(`${name}-a`), `${name} was acknowledged before kill ${String(round)}`);
    for (const name of kept)
      assert.ok(kept.has(name.replace(/-[ab]$/, name.endsWith("a") ? "-b" : "-a")), `${name} stands alone`);
    let killed: Promise<unknown> | undefined;
    const enough = acknowledged.length + Math.floor(Math.random() * 4);
    while (child.isRunning) {
      if (acknowledged.length >= enough) killed ??= sleep(Math.random() * 20).then(() => child.stop("SIGKILL"));
      const name = `s${String(tried++)}`;
      if ((await apply(service(`${name}-a`), service(`${name}-b`))) === 200) acknowledged.push(name);
    }
    await killed;
  }
  const child = await serve("killed");
  assert.ok(acknowledged.length >= 20, `${String(acknowledged.length)} of ${String(tried)} were acknowledged`);
  const kept = await names();
  assert.deepEqual(
    acknowledged.filter((name) => !kept.has(`${name}-a`) || !kept.has(`${name}-b`)),
    [],
  );
  await child.stop();
});

test("on a full disk it refuses changes, serves on, and has what it acknowledged", async () => {
  const child = await serve("full", { limitKb: "600" });
  const acknowledged: string[] = [];
  let status: number | undefined = 200;
  for (let i = 0; status === 200 && i < 40; i++) {
    const name = `s${String(i)}`;
    status = await apply(service(name, createHash("sha512").update(name).digest("hex").repeat(300)));
    if (status === 200) acknowledged.push(name);
  }
  assert.equal(status, 503);
  assert.ok(acknowledged.length > 0, "some were acknowledged");
  assert.equal(await apply(service("late", "x".repeat(200_000))), 503);
  assert.deepEqual([...(await names())].sort(), [...acknowledged].sort());
  assert.equal((await fetch(`http://${http}/readyz`)).status, 200);
  await child.stop("SIGKILL");
  await serve("full");
  assert.deepEqual([...(await names())].sort(), [...acknowledged].sort());
  assert.equal(await apply(service("late")), 200);
  await server?.stop();
});

test("it does not start on a damaged state, says what to do, and leaves it as it is", async () => {
  await serve("damaged");
  assert.equal(await apply(service("web", "a note that is found")), 200);
  await server?.stop();
  const file = join(folder, "damaged", "state.db");
  const bytes = readFileSync(file);
  const at = bytes.indexOf("a note that is found");
  assert.ok(at > 0, "the note is in the file");
  bytes[at] = 0x41;
  writeFileSync(file, bytes);
  const child = await serve("damaged", { wait: false });
  await child.waitFor(
    /state\.db is damaged: event 1 of resources is not as it was written\. Nothing was changed\. .*backup/,
  );
  await child.stop();
  assert.equal(child.child.exitCode, 1);
  assert.ok(readFileSync(file).equals(bytes), "the file is as it was");
  const second = await serve("second");
  const other = spawnSync(process.execPath, [
    meshwright,
    "serve",
    "--state",
    join(folder, "second"),
    "--xds",
    "0",
    "--http",
    "0",
  ]);
  assert.match(other.stderr.toString(), /another process has hold of it/);
  await second.stop();
});

describe("the commands", () => {
  const config = join(folder, "config");
  const files = join(folder, "files");
  before(async () => {
    for (const path of [config, files]) mkdirSync(path);
    writeFileSync(join(config, "mesh.yaml"), service("owned"));
    writeFileSync(join(files, "a.yaml"), `${service("a")}---\n${service("b")}`);
    await serve("commands", { args: ["--config", config] });
  });
  after(() => server?.stop());

  const run = async (...args: string[]): Promise<string> => {
    const { code, output } = await runCommand([...args, "--server", http]);
    return `${String(code)} ${output}`;
  };

  test("apply, get, diff, history, rollback and delete", async () => {
    assert.equal(
      await run("apply", "-f", files, "--dry-run"),
      "0 Service/a would be created\nService/b would be created\n",
    );
    assert.equal(
      await run("apply", "-f", files, "--message", "first"),
      "0 Service/a created\nService/b created\nrevision 1\n",
    );
    assert.equal(await run("apply", "-f", files), "0 nothing to change\n");
    assert.equal(await run("get", "Service/b"), `0 ---\n${service("b")}`);
    writeFileSync(join(files, "a.yaml"), service("a", "new"));
    assert.match(await run("diff", "-f", join(files, "a.yaml")), /^1 [^]*^\+metadata: .*note: "new"/m);
    assert.equal(await run("apply", "-f", join(files, "a.yaml")), "0 Service/a updated\nrevision 2\n");
    assert.match(await run("apply", "-f", join(files, "a.yaml"), "--base", "1"), /^0 nothing to change/);
    writeFileSync(join(files, "a.yaml"), service("a", "newer"));
    assert.match(
      await run("apply", "-f", files, "--base", "1"),
      /^2 meshwright: Service\/a was changed by \S+ in revision 2/,
    );
    assert.match(
      await run("history", "Service/b"),
      /^0 REVISION .*\n1 .*created Service\/a, created Service\/b +first\n$/,
    );
    assert.equal(await run("rollback", "1"), "0 Service/a updated\nrevision 3\n");
    assert.match(await run("history"), /^3 .* updated Service\/a +rollback to revision 1$/m);
    assert.equal(await run("delete", "Service/b", "Service/a"), "0 Service/a deleted\nService/b deleted\nrevision 4\n");
    assert.match(await run("get", "Service/b"), /^2 meshwright: there is no applied resource Service\/b/);
    assert.match(await run("get", "--revision", "1"), /^Service\/a +1 +.*a\.yaml:1$/m);
  });

  test("faults are shown where they were written, and a folder's resources stay the folder's", async () => {
    writeFileSync(join(files, "a.yaml"), `${service("a")}---\n${service("b").replace("port", "prot")}`);
    const faults = await run("apply", "-f", files);
    assert.match(faults, /^2 meshwright: the resources have faults/);
    assert.match(faults, /a\.yaml:9:9: spec\.prot: unknown field \(did you mean "port"\?\)/);
    writeFileSync(join(files, "a.yaml"), service("owned"));
    assert.match(
      await run("apply", "-f", files),
      /Service owned has two owners: the applied resources, and the folder .*mesh\.yaml:3\)/,
    );
  });
});
