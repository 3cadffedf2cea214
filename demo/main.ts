// The demo mesh: a control plane, three sidecars, a service `shop` in two versions and a service `billing`, on loopback.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
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
const meshwright = join(root, "controlplane", "dist", "cli", "main.js");

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

async function startSidecar(children: Children, ports: Plan, workload: Workload, logs: string): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    meshwright,
    "bootstrap",
    ...["--node", `${workload.service}-1`],
    ...["--service", workload.service],
    ...["--xds", `127.0.0.1:${String(ports.xdsPort)}`],
    ...["--http", `127.0.0.1:${String(ports.httpPort)}`],
    ...["--admin", `127.0.0.1:${String(workload.adminPort)}`],
    // So that an edited or rebuilt filter is soon proven to run.
    ...["--stats-interval", "1000"],
  ]);
  const file = join(logs, `${workload.service}-1.yaml`);
  writeFileSync(file, stdout);
  const envoy = process.env["ENVOY_BIN"] ?? "envoy";
  const args = ["--config-path", file, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"];
  children.start(`the sidecar of ${workload.service}`, envoy, args, join(logs, `${workload.service}-1.log`));
}

/** Waits until every sidecar has all of its configuration and runs all of its filters. */
async function waitUntilReady({ httpPort, workloads }: Plan): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    const ready = await readySidecars(httpPort);
    if (ready === workloads.length) return;
    if (Date.now() > end)
      throw new DemoError(`only ${String(ready)} of ${String(workloads.length)} sidecars are ready after 60 s`);
    await sleep(100);
  }
}

async function readySidecars(httpPort: number): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${String(httpPort)}/api/v1/status`);
    const report = (await response.json()) as { sidecars: { state: string }[] };
    return report.sidecars.filter(({ state }) => state === "ready").length;
  } catch {
    return 0;
  }
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
      ...["--state", join(root, ".cache", "demo-state")],
      ...["--xds", `127.0.0.1:${String(ports.xdsPort)}`],
      ...["--http", `127.0.0.1:${String(ports.httpPort)}`],
      ...["--log-format", "text"],
    ]);
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
