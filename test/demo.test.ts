import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { plan, portsOf, type Plan } from "../demo/plan.ts";
import { demoToken } from "../demo/token.ts";
import { envoyBinary } from "../setup/envoy.mjs";
import { compile } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import type { StatusReport } from "../controlplane/api/index.ts";
import { getAsAdmin } from "./support/api.ts";
import { get, type Answer } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { isInUse } from "../demo/ports.ts";
import { Process } from "./support/processes.ts";

/** A base port whose hundred ports are free. */
async function freeBasePort(): Promise<number> {
  for (let base = 21_000; base < 60_000; base += 500) {
    const inUse = await Promise.all(portsOf(plan(base)).map(({ port }) => isInUse(port)));
    if (!inUse.includes(true)) return base;
  }
  throw new Error("no hundred free ports");
}

const startDemo = async (basePort: number): Promise<Process> =>
  new Process("the demo", process.execPath, ["demo/dist/main.js", "--base-port", String(basePort)], {
    cwd: root,
    env: { ...process.env, ENVOY_BIN: await envoyBinary() },
  });

describe("npm start", () => {
  let demo: Process;
  let ports: Plan;
  let folder = "";
  let outbound = 0;

  before(async () => {
    ports = plan(await freeBasePort());
    outbound = ports.workloads.find(({ service }) => service === "billing")?.outboundPort ?? 0;
    folder = join(root, ".cache", `demo-${String(ports.basePort)}`);
    demo = await startDemo(ports.basePort);
    await demo.waitFor(/Ctrl-C stops everything/, { timeoutMs: 60_000 });
  });
  after(async () => {
    await demo.stop("SIGINT");
    rmSync(folder, { recursive: true, force: true });
  });

  const shop = (headers: Record<string, string>, path = "/products"): Promise<Answer> =>
    get(outbound, path, { headers: { host: "shop", ...headers } });
  const key = { "x-api-key": "demo-key" };
  const edit = (file: string, from: string | RegExp, to: string): void => {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    assert.match(text, new RegExp(from));
    writeFileSync(path, text.replace(from, to));
  };
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    const end = Date.now() + 20_000;
    while (!(await condition())) {
      assert.ok(Date.now() < end, `not in 20 s:\n${demo.output}`);
      await sleep(20);
    }
  };
  const status = async (): Promise<StatusReport> =>
    JSON.parse(await getAsAdmin(join(root, ".cache", "demo-state"), ports.httpPort, "/api/v1/status")) as StatusReport;

  test("every address that it prints answers", async () => {
    for (const { port, use } of portsOf(ports)) {
      assert.ok(await isInUse(port), use);
      if (!use.includes("inbound") && !use.includes("application")) assert.ok(demo.output.includes(String(port)), use);
    }
  });

  test("no credentials: 401; a valid API key or token: 200; a path that the caller may not reach: 403", async () => {
    const denied = await shop({});
    assert.equal(denied.status, 401);
    assert.ok(denied.headers["www-authenticate"]);
    assert.match((await shop(key)).body, /^shop v1: GET \/products, called by demo$/m);
    const token = await shop({ authorization: `Bearer ${demoToken}` });
    assert.equal(token.status, 200);
    assert.match(token.body, /called by .*alice/);
    assert.equal((await shop({ authorization: `Bearer ${demoToken.slice(0, -4)}AAAA` })).status, 401);
    assert.equal((await shop({ "x-api-key": "no-key" })).status, 401);
    assert.equal((await shop(key, "/admin")).status, 403);
    assert.equal((await shop({ "x-api-key": "ops-key" }, "/admin")).status, 200);
  });

  test("the sixth request in a minute: 429 with the limit's headers", async () => {
    const caller = { "x-api-key": "second-key" };
    for (let left = 4; left >= 0; --left) {
      const answer = await shop(caller);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["x-ratelimit-limit"], "5");
      assert.equal(answer.headers["x-ratelimit-remaining"], String(left));
    }
    const refused = await shop(caller);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers["retry-after"]) > 0);
    assert.equal(refused.headers["x-ratelimit-remaining"], "0");
  });

  test("a group goes to v2, a user stays in one version, and users share", async () => {
    // Without the limit, which is not what this is about.
    edit("ratelimit.yaml", "maxTokens: 5", "maxTokens: 100000");
    await until(async () => (await shop(key)).headers["x-ratelimit-limit"] === "100000");
    assert.match((await shop({ ...key, "x-group": "beta" })).body, /^shop v2/);
    assert.match((await shop({ ...key, "x-shop-version": "v2" })).body, /^shop v1/, "a client cannot choose");
    let second = 0;
    for (let user = 0; user < 200; ++user) {
      const [first, again] = [
        await shop({ ...key, "x-user-id": `u${String(user)}` }),
        await shop({ ...key, "x-user-id": `u${String(user)}` }),
      ];
      assert.equal(first.body, again.body);
      if (first.body.startsWith("shop v2")) ++second;
    }
    // 20 % of 200, within five standard deviations.
    assert.ok(second > 12 && second < 68, String(second));
  });

  test("an edit reaches the sidecars with no request lost; a broken one is refused with its place", async () => {
    const load = new Load(outbound, "/products", { headers: { host: "shop", ...key } });
    edit("ratelimit.yaml", "maxTokens: 100000", "maxTokens: 50000");
    await until(async () => (await shop(key)).headers["x-ratelimit-limit"] === "50000");

    const from = demo.output.length;
    edit("ratelimit.yaml", "maxTokens: 50000", "maxTokens: five");
    await demo.waitFor(
      /ratelimit\.yaml:\d+:\d+: spec\.configuration\.limits\[0\]\.tokenBucket\.maxTokens: expected .*integer.*found .*five/,
      { from },
    );
    await demo.waitFor(/served as before until this is mended: FilterPolicy /, { from });
    assert.equal((await shop(key)).headers["x-ratelimit-limit"], "50000");
    assert.match((await status()).configuration.refused.join("\n"), /maxTokens/);

    edit("ratelimit.yaml", "maxTokens: five", "maxTokens: 40000");
    await until(async () => (await shop(key)).headers["x-ratelimit-limit"] === "40000");
    const answers = await load.stop();
    assert.ok(answers.length > 10);
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  });

  test("a rebuilt filter reaches every sidecar by its hash, and no request passes authz by meanwhile", async () => {
    const before = await status();
    const good = new Load(outbound, "/products", { headers: { host: "shop", ...key } });
    const bad = new Load(outbound, "/products", { headers: { host: "shop" } });

    const changed = mkdtempSync(join(root, ".cache", "authz-"));
    try {
      cpSync(join(root, "filters"), join(changed, "filters"), { recursive: true });
      const entry = join(changed, "filters", "authz", "index.ts");
      writeFileSync(entry, `${readFileSync(entry, "utf8")}\nexport function changed(): i32 {\n  return 1;\n}\n`);
      await compile(entry.slice(root.length + 1), join(changed, "authz.wasm"));
      const from = demo.output.length;
      edit("modules.yaml", "../../build/authz.wasm", join(changed, "authz.wasm"));
      for (const { service } of ports.workloads)
        await demo.waitFor(new RegExp(`${service}-1 accepted filter authz`), { from });
    } finally {
      rmSync(changed, { recursive: true });
    }
    await until(async () => (await status()).sidecars.every(({ state }) => state === "ready"));
    const module = (report: StatusReport): string[] =>
      report.sidecars.flatMap(({ filters }) =>
        filters.filter(({ policy }) => policy === "authz").map(({ module: hash }) => hash),
      );
    assert.equal(new Set([...module(before), ...module(await status())]).size, 2);

    assert.deepEqual([...new Set((await good.stop()).map((answer) => answer.status))], [200]);
    assert.deepEqual([...new Set((await bad.stop()).map((answer) => answer.status))], [401]);
  });

  test("Ctrl-C stops every child", async () => {
    await demo.stop("SIGINT");
    assert.equal(demo.child.exitCode, 0);
    for (const { port, use } of portsOf(ports)) assert.ok(!(await isInUse(port)), use);
  });
});

describe("npm start with a port in use", () => {
  test("names the port and what it is for, and starts nothing", async () => {
    const ports = plan(await freeBasePort());
    const taken = ports.workloads[1]?.inboundPort ?? 0;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(taken, "127.0.0.1", resolve));
    try {
      const demo = await startDemo(ports.basePort);
      await new Promise((resolve) => demo.child.on("close", resolve));
      assert.equal(demo.child.exitCode, 1);
      assert.match(demo.output, new RegExp(`port ${String(taken)} \\(the sidecar of shop-v2, inbound\\) is in use`));
      assert.doesNotMatch(demo.output, /serving/);
    } finally {
      server.close();
    }
  });

  test("a base port that is none is refused by what is allowed", async () => {
    const run = new Process("the demo", process.execPath, ["demo/dist/main.js", "--base-port", "99999"], { cwd: root });
    await run.waitFor(/--base-port.*expected a port from 1024 to 65436, found "99999"/);
  });
});
