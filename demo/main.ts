// The demo mesh: a control plane, three sidecars, a service `shop` in two versions and a service `billing`, on loopback.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { get } from "node:https";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startApp } from "./apps.ts";
import { Children } from "./children.ts";
import { guide } from "./guide.ts";
import { DEFAULT_BASE_PORT, movePorts, plan, portsOf, type Plan, type Workload } from "./plan.ts";
import { isInUse } from "./ports.ts";

const here = dirname(fileURLToPath(import.meta.url));
// Compiled, this file is demo/dist/main.js.
const root = dirname(dirname(here));
const meshwright = join(root, "controlplane", "bin", "meshwright.js");
/** The control plane's folder: modules, tokens, and the authority that issues the sidecars' certificates. */
const state = join(root, ".cache", "demo-state");

/** Something that the user can put right. */
class DemoError extends Error {}

function readBasePort(): number {
  const { values } = parseArgs({ options: { "base-port": { type: "string" } } });
  const text = values["base-port"] ?? process.env["MESHWRIGHT_DEMO_BASE_PORT"] ?? String(DEFAULT_BASE_PORT);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1024 || port > 65_436) {
    throw new DemoError(
      `--base-port (or MESHWRIGHT_DEMO_BASE_PORT): expected a port from 1024 to 65436, found "${text}"`,
    );
  }
  return port;
}

async function checkPorts(ports: Plan): Promise<void> {
  const taken: string[] = [];
  for (const { port, use } of portsOf(ports)) {
    if (await isInUse(port)) taken.push(`port ${String(port)} (${use}) is in use`);
  }
  if (taken.length > 0) {
    throw new DemoError(`${taken.join("; ")}. Choose other ports: npm start -- --base-port 28000`);
  }
}

/** The folder that the control plane reads: demo/mesh itself, or a copy of it with other ports. */
function configurationFolder({ basePort }: Plan): string {
  const original = join(root, "demo", "mesh");
  if (basePort === DEFAULT_BASE_PORT) return original;
  // As deep in the tree as the original, so that the paths of modules hold.
  const copy = join(root, ".cache", `demo-${String(basePort)}`);
  rmSync(copy, { recursive: true, force: true });
  cpSync(original, copy, { recursive: true });
  for (const file of readdirSync(copy)) {
    writeFileSync(join(copy, file), movePorts(readFileSync(join(copy, file), "utf8"), basePort));
  }
  return copy;
}

async function runMeshwright(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [meshwright, ...args])).stdout;
}

async function startSidecar(children: Children, ports: Plan, workload: Workload, logs: string): Promise<void> {
  const bootstrap = await runMeshwright(
    "bootstrap",
    ...["--state", state],
    ...["--node", `${workload.service}-1`],
    ...["--service", workload.service],
    ...["--xds", `127.0.0.1:${String(ports.xdsPort)}`],
    ...["--http", `127.0.0.1:${String(ports.httpPort)}`],
    ...["--admin", `127.0.0.1:${String(workload.adminPort)}`],
    // So that an edited or rebuilt filter is soon proven to run.
    ...["--stats-interval", "1000"],
  );
  const file = join(logs, `${workload.service}-1.yaml`);
  writeFileSync(file, bootstrap);
  const envoy = process.env["ENVOY_BIN"] ?? "envoy";
  const args = ["--config-path", file, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"];
  children.start(`the sidecar of ${workload.service}`, envoy, args, join(logs, `${workload.service}-1.log`));
}

/** Waits until a condition holds. */
async function until(condition: () => Promise<boolean>, otherwise: () => string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new DemoError(`${otherwise()} after 60 s`);
    await sleep(100);
  }
}

/** Waits until every sidecar has all of its configuration and runs all of its filters. */
async function waitUntilReady({ httpPort, workloads }: Plan): Promise<void> {
  const token = (await runMeshwright("token", "create", "demo", "--valid-for", "1h", "--state", state)).trim();
  let ready = 0;
  await until(
    async () => {
      ready = await readySidecars(httpPort, token);
      return ready === workloads.length;
    },
    () => `only ${String(ready)} of ${String(workloads.length)} sidecars are ready`,
  );
}

async function readySidecars(port: number, token: string): Promise<number> {
  const body = await ask(port, "/api/v1/status", { authorization: `Bearer ${token}` });
  if (body === undefined) return 0;
  const report = JSON.parse(body) as { sidecars: { state: string }[] };
  return report.sidecars.filter(({ state: of }) => of === "ready").length;
}

/** What the control plane answers; undefined while it does not. */
function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<string | undefined> {
  const authority = join(state, "authority", "ca.pem");
  if (!existsSync(authority)) return Promise.resolve(undefined);
  const at = { host: "127.0.0.1", port, path, headers, ca: readFileSync(authority), agent: false as const };
  return new Promise((resolve) => {
    const request = get(at, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(response.statusCode === 200 ? body : undefined));
    });
    request.setTimeout(5_000, () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

async function main(): Promise<void> {
  const ports = plan(readBasePort());
  await checkPorts(ports);
  const folder = configurationFolder(ports);
  const logs = join(root, ".cache", `demo-logs-${String(ports.basePort)}`);
  mkdirSync(logs, { recursive: true });
  if (!existsSync(meshwright)) throw new DemoError("the control plane is not built: run npm run build");

  const apps: Server[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= children.stop().then(() => {
      for (const app of apps) {
        app.close();
        app.closeAllConnections();
      }
    }));
  const children = new Children((name, reason) => {
    process.stderr.write(`meshwright demo: ${name} ${reason}\n`);
    process.exitCode = 1;
    void stop();
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());

  try {
    for (const workload of ports.workloads) apps.push(await startApp(workload));
    children.start("the control plane", process.execPath, [
      "--enable-source-maps",
      meshwright,
      "serve",
      ...["--config", relative(process.cwd(), folder)],
      ...["--state", state],
      ...["--xds", `127.0.0.1:${String(ports.xdsPort)}`],
      ...["--http", `127.0.0.1:${String(ports.httpPort)}`],
      ...["--log-format", "text"],
    ]);
    await until(
      async () => stopping !== undefined || (await ask(ports.httpPort, "/readyz")) !== undefined,
      () => "the control plane does not answer",
    );
    if (stopping !== undefined) return;
    for (const workload of ports.workloads) await startSidecar(children, ports, workload, logs);
    await waitUntilReady(ports);
    process.stdout.write(guide(ports, relative(process.cwd(), folder)));
  } catch (error) {
    // What a child that ended has already said is not said twice.
    const isSaid = stopping !== undefined;
    await stop();
    if (!isSaid) throw error;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`meshwright demo: ${error instanceof DemoError ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
