import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FilterError } from "./filter-error.ts";
import { npmCommand } from "./npm.ts";

/** The packages of this repository that a filter is made with. */
const ours = ["proxy-wasm-assemblyscript-sdk", "@meshwright/host", "meshwright"] as const;

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The folder of the package that this command is in. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isNamed(folder, "meshwright")) folder = dirname(folder);
  return folder;
}

/**
 * What a new project in `folder` depends on. The packages of ours come from where this command does: packed out of the checkout
 * into the project's `vendor`, copied from the archives that it was installed from, or by its version from the registry.
 */
export function packagesFor(folder: string): Record<string, string> {
  const versions = fromCheckout(folder) ?? fromArchives(folder) ?? fromRegistry();
  return { ...versions, assemblyscript: compilerVersion() };
}

function fromCheckout(folder: string): Record<string, string> | undefined {
  const root = dirname(packageRoot());
  if (!isNamed(root, "meshwright-workspace")) return undefined;
  // npm runs in the checkout.
  const vendor = resolve(folder, "vendor");
  mkdirSync(vendor, { recursive: true });
  const workspaces = ours.flatMap((name) => ["--workspace", name]);
  const [npm, ...first] = npmCommand();
  const packed = spawnSync(
    npm,
    [...first, "pack", ...workspaces, "--pack-destination", vendor, "--json", "--loglevel", "error"],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    },
  );
  if (packed.status !== 0) {
    throw new FilterError(`npm pack failed in ${root}: ${packed.error?.message ?? packed.stderr.trim()}`);
  }
  const archives = JSON.parse(packed.stdout) as readonly { name: string; filename: string }[];
  return Object.fromEntries(archives.map(({ name, filename }) => [name, `file:vendor/${basename(filename)}`]));
}

/** npm notes beside the packages of a project where each was installed from. */
function fromArchives(folder: string): Record<string, string> | undefined {
  const modules = dirname(packageRoot());
  const lock = join(modules, ".package-lock.json");
  if (!existsSync(lock)) return undefined;
  const { packages = {} } = JSON.parse(readFileSync(lock, "utf8")) as {
    packages?: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  const found: Record<string, string> = {};
  for (const name of ours) {
    const [, path] = /^file:(.+\.tgz)$/.exec(packages[`node_modules/${name}`]?.resolved ?? "") ?? [];
    const archive = path === undefined ? undefined : join(dirname(modules), path);
    if (archive === undefined || !existsSync(archive)) return undefined;
    mkdirSync(join(folder, "vendor"), { recursive: true });
    copyFileSync(archive, join(folder, "vendor", basename(archive)));
    found[name] = `file:vendor/${basename(archive)}`;
  }
  return found;
}

/** The packages of ours are released together, under one version. */
function fromRegistry(): Record<string, string> {
  const { version = "" } = readManifest(packageRoot()) ?? {};
  return Object.fromEntries(ours.map((name) => [name, version]));
}

/** The compiler that the SDK is made for. */
function compilerVersion(): string {
  const { peerDependencies } = readManifest(packageRoot()) ?? {};
  return peerDependencies?.["assemblyscript"] ?? "*";
}

function isNamed(folder: string, name: string): boolean {
  return readManifest(folder)?.name === name;
}

function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
}
