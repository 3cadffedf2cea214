import { existsSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { dirname, join, relative } from "node:path";
import { styleText } from "node:util";
import type { HostPort } from "../../control/index.ts";
import { SetupError } from "../../envoy-binary/commands.mjs";
import { envoyBinary } from "../../envoy-binary/envoy.mjs";
import { DevSession, FilterError, findProject, type DevEvent, type Project } from "../../filter/index.ts";

export interface DevFlags {
  readonly port: HostPort;
  readonly upstream?: HostPort;
  readonly config?: string;
  readonly rootId?: string;
  readonly logLevel: string;
}

/** `meshwright filter dev`: runs until a signal ends it, or Envoy does. */
export async function dev(path: string, flags: DevFlags): Promise<void> {
  const project = findProject(path);
  const config = flags.config ?? defaultConfig(project);
  if (config !== undefined && !existsSync(config)) throw new FilterError(`--config ${config}: no such file`);
  const upstream = flags.upstream === undefined ? undefined : await resolved(flags.upstream);
  const envoy = await findEnvoy();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  const session = await DevSession.start({
    project,
    envoy,
    listener: flags.port,
    upstream,
    config,
    rootId: flags.rootId ?? project.name,
    logLevel: flags.logLevel,
    show: (event) => {
      process.stdout.write(`${formatEvent(event).join("\n")}\n`);
      if (event.kind !== "ended") return;
      process.exitCode = 1;
      end();
    },
  });
  await ended;
  await session.stop();
}

/** `config.json` beside the package.json of the filter, if it is there. */
function defaultConfig({ root, entry }: Project): string | undefined {
  const entryFolder = dirname(join(root, entry));
  const found = [entryFolder, dirname(entryFolder)].map((folder) => join(folder, "config.json")).find(existsSync);
  return found === undefined ? undefined : relative(process.cwd(), found);
}

/** The control plane's endpoints are addresses. */
async function resolved({ host, port }: HostPort): Promise<HostPort> {
  try {
    return { host: (await lookup(host)).address, port };
  } catch (error) {
    throw new FilterError(
      `--upstream: cannot resolve ${host}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function findEnvoy(): Promise<string> {
  try {
    return await envoyBinary();
  } catch (error) {
    if (error instanceof SetupError) throw new FilterError(error.message);
    throw error;
  }
}

/** An event as lines for the terminal. */
export function formatEvent(event: DevEvent): string[] {
  switch (event.kind) {
    case "listening":
      return [`serving on ${event.url} (Envoy's admin interface: ${event.admin})`];
    case "building":
      return [colored("dim", "building...")];
    case "live":
      return [
        colored("green", `live after ${event.ms.toLocaleString("en")} ms: ${event.bytes.toLocaleString("en")} bytes`),
      ];
    case "refused":
      return [
        ...event.problems,
        colored("red", event.isServing ? "refused; the module before serves on" : "refused; waiting for a change"),
      ];
    case "envoy":
      return [formatEnvoy(event.line)];
    case "ended":
      return [colored("red", event.reason)];
  }
}

function formatEnvoy({ kind, level, message }: Extract<DevEvent, { kind: "envoy" }>["line"]): string {
  switch (kind) {
    case "log":
      return `${level.padEnd(8)} ${message}`;
    case "trap":
      return colored("red", message);
    case "fault":
      return `envoy: ${message}`;
  }
}

function colored(color: "dim" | "green" | "red", text: string): string {
  return process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? styleText(color, text) : text;
}
