// What is applied to a control plane survives whatever happens to its process, its disk and its clock.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../setup/paths.mjs";
import type { History, ResourceList } from "../controlplane/api/index.ts";
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

interface ServeOptions {
  /** The largest file that it may write, in KiB. */
  readonly limitKb?: string;
  /** More arguments; without encryption when left out. */
  readonly args?: readonly string[];
  /** What runs in its process first. */
  readonly preload?: string;
  readonly wait?: boolean;
}

/** Starts a control plane on a state folder. */
async function serve(state: string, options: ServeOptions = {}): Promise<Process> {
  const { limitKb = "unlimited", args = ["--insecure"], preload, wait = true } = options;
  await server?.stop("SIGKILL");
  const command = [
    process.execPath,
    ...(preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(preload)}`]),
    ...[meshwright, "serve", "--state", join(folder, state), "--xds", xds, "--http", http],
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

async function read<T>(path: string): Promise<T> {
  return (await (await fetch(`http://${http}/api/v1/${path}`)).json()) as T;
}

async function names(): Promise<Set<string>> {
  return new Set((await read<ResourceList>("resources")).resources.map(({ name }) => name));
}

const ROUNDS = 6;

test(`killed ${String(ROUNDS)} times while changes are applied, it has every acknowledged change, and none by half`, async () => {
  const acknowledged: string[] = [];
  let tried = 0;
  const check = async (round: number): Promise<void> => {
    const kept = await names();
    for (const name of acknowledged)
      assert.ok(kept.has(`${name}-a`), `${name} was acknowledged before kill ${String(round)}`);
    for (const name of kept)
      assert.ok(kept.has(name.replace(/-[ab]$/, name.endsWith("a") ? "-b" : "-a")), `${name} stands alone`);
    const { revisions } = await read<History>("history?limit=100000");
    const numbers = revisions.map(({ revision }) => revision);
    assert.deepEqual(
      numbers,
      [...numbers.keys()].map((i) => numbers.length - i),
    );
    assert.equal(kept.size, 2 * revisions.length);
  };
  for (let round = 0; round < ROUNDS; round++) {
    const child = await serve("killed");
    await check(round);
    // From several clients, until it is gone, at another point each time.
    const clients = Array.from({ length: 4 }, async () => {
      while (child.isRunning) {
        const name = `s${String(tried++)}`;
        if ((await apply(service(`${name}-a`), service(`${name}-b`))) === 200) acknowledged.push(name);
      }
    });
    const before = acknowledged.length;
    while (acknowledged.length < before + 1 + (round % 4)) await sleep(1);
    await sleep(Math.random() * 20);
    await child.stop("SIGKILL");
    await Promise.all(clients);
  }
  await serve("killed");
  await check(ROUNDS);
  assert.ok(acknowledged.length >= ROUNDS, `${String(acknowledged.length)} of ${String(tried)} were acknowledged`);
});

test("on a full disk it refuses changes, serves on, and has what it acknowledged", async () => {
  await serve("full", { limitKb: "600" });
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
  await serve("full");
  assert.deepEqual([...(await names())].sort(), [...acknowledged].sort());
  assert.equal(await apply(service("late")), 200);
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
  while (child.isRunning) await sleep(5);
  assert.equal(child.child.exitCode, 1);
  assert.ok(readFileSync(file).equals(bytes), "the file is as it was");
});

test("a second control plane on the same folder does not start", async () => {
  await serve("shared");
  const { code, output } = await runCommand([
    ...["serve", "--insecure", "--state", join(folder, "shared"), "--xds", "0", "--http", "0"],
  ]);
  assert.equal(code, 1);
  assert.match(output, /another process has hold of it/);
});

test("when the clock goes back, changes keep their order, and a rollback goes by it", async () => {
  await serve("clock");
  assert.equal(await apply(service("web", "first")), 200);
  const yesterday = `
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) { super(...(given.length === 0 ? [Real.now() - 86_400_000] : given)); }
      static now() { return Real.now() - 86_400_000; }
    };`;
  await serve("clock", { preload: yesterday });
  assert.equal(await apply(service("web", "second")), 200);
  const { revisions } = await read<History>("history");
  assert.deepEqual(
    revisions.map(({ revision }) => revision),
    [2, 1],
  );
  const [second, first] = revisions.map(({ time }) => Date.parse(time));
  assert.ok((second ?? 0) < (first ?? 0), "the second is of the day before");
  assert.match((await read<ResourceList>("resources")).resources[0]?.text ?? "", /"second"/);
  await serve("clock");
  assert.match((await read<ResourceList>("resources")).resources[0]?.text ?? "", /"second"/);
  const body = JSON.stringify({ revision: 1 });
  const headers = { "content-type": "application/json" };
  assert.equal((await fetch(`http://${http}/api/v1/rollback`, { method: "POST", headers, body })).status, 200);
  assert.match((await read<ResourceList>("resources")).resources[0]?.text ?? "", /"first"/);
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

  const run = async (...args: string[]): Promise<string> => {
    const { code, output } = await runCommand([...args, "--http", http, "--state", join(folder, "commands")]);
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
    assert.equal(await run("get", "Service/b"), `0 ---\n${service("b")}`);
    writeFileSync(join(files, "a.yaml"), service("a", "new"));
    assert.match(await run("diff", "-f", join(files, "a.yaml")), /^1 [^]*^\+metadata: .*note: "new"/m);
    assert.equal(await run("apply", "-f", join(files, "a.yaml")), "0 Service/a updated\nrevision 2\n");
    writeFileSync(join(files, "a.yaml"), service("a", "newer"));
    assert.match(
      await run("apply", "-f", files, "--base", "1"),
      /^2 meshwright: Service\/a was changed by certificate of role admin \(\S+\) in revision 2/,
    );
    assert.equal(await run("rollback", "1"), "0 Service/a updated\nrevision 3\n");
    assert.match(await run("history"), /^3 .* updated Service\/a +rollback to revision 1$/m);
    assert.equal(await run("delete", "Service/b", "Service/a"), "0 Service/a deleted\nService/b deleted\nrevision 4\n");
    assert.match(await run("get", "Service/b"), /^2 meshwright: there is no applied resource Service\/b/);
    assert.match(await run("get", "--revision", "1"), /^Service\/a +1 +.*a\.yaml:1$/m);
  });

  test("backup, and what the guide says to restore it", async () => {
    writeFileSync(join(files, "a.yaml"), service("kept"));
    assert.match(await run("apply", "-f", files), /^0 Service\/kept created/);
    const copy = join(folder, "copy.db");
    assert.match(await run("backup", copy), /^0 .*copy\.db: \d+ bytes/);
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    await run("delete", "Service/kept");
    await server?.stop();
    const file = join(folder, "commands", "state.db");
    for (const name of [file, `${file}-wal`]) rmSync(name, { force: true });
    copyFileSync(copy, file);
    await serve("commands", { args: ["--config", config] });
    assert.match(await run("get"), /^Service\/kept +5 /m);
    assert.match(await run("history", "--limit", "1"), /^5 .*created Service\/kept/m);
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
