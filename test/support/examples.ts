import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compile } from "../../setup/filters.mjs";
import { globSync } from "../../setup/glob.mjs";
import { root } from "../../setup/paths.mjs";
import { Envoy } from "./envoy.ts";
import { freePorts } from "./ports.ts";

export function exampleNames(): string[] {
  return readdirSync(join(root, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The module of an example, compiled if the example or the SDK has changed since. */
export function exampleModule(name: string): Promise<string> {
  return moduleOf(join("examples", name, "index.ts"), join("examples", name), join("examples", name));
}

/**
 * A module in `build/`, compiled if its sources or the SDK have changed since.
 * @param folders Where its sources are.
 * @param name Its path in `build/`, without `.wasm`.
 */
export async function moduleOf(entry: string, folders: string | readonly string[], name: string): Promise<string> {
  const module = join(root, "build", `${name}.wasm`);
  const stamp = `${module}.source`;
  const sources = globSync([folders, "assembly"].flat(), ".ts").filter((path) => !path.endsWith(".test.ts"));
  const hash = createHash("sha256");
  for (const path of sources.sort()) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  const source = hash.digest("hex");
  if (existsSync(module) && existsSync(stamp) && readFileSync(stamp, "utf8") === source) return module;
  mkdirSync(dirname(module), { recursive: true });
  await compile(entry, module);
  writeFileSync(stamp, source);
  return module;
}

/** An Envoy that runs an example by its own `envoy.yaml`, on other ports. */
export class RunningExample {
  readonly envoy: Envoy;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(envoy: Envoy, ports: ReadonlyMap<string, number>) {
    this.envoy = envoy;
    this.#ports = ports;
  }

  static async start(name: string, concurrency: number): Promise<RunningExample> {
    const written = readFileSync(join(root, "examples", name, "envoy.yaml"), "utf8");
    const names = [...new Set([...written.matchAll(/port_value: (\d+)/g)].map(([, port = ""]) => port))];
    const free = await freePorts(names.length);
    const ports = new Map(names.map((port, i) => [port, free[i] ?? 0]));
    const module = await exampleModule(name);
    const configuration = written
      .replaceAll(/port_value: (\d+)/g, (_, port: string) => `port_value: ${String(ports.get(port))}`)
      .replaceAll(`build/${name}.wasm`, module);
    const envoy = await Envoy.start(name, configuration, ports.get("10001") ?? 0, { concurrency, logLevel: "info" });
    const example = new RunningExample(envoy, ports);
    try {
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    } catch (error) {
      await envoy.stop();
      throw error;
    }
    return example;
  }

  /** The port that stands for one of `envoy.yaml`. */
  port(written: number): number {
    const port = this.#ports.get(String(written));
    if (port === undefined) throw new Error(`envoy.yaml has no port ${String(written)}`);
    return port;
  }
}
