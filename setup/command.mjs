// Bundles the command meshwright: controlplane/cli, with all that it imports, to a few files in controlplane/dist/command. Node then
// reads some thirty files for `meshwright serve` where it had to find and read six hundred. docs/decisions/bundle.md has the figures.
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { replace } from "./module-cache.mjs";
import { root } from "./paths.mjs";

const controlplane = join(root, "controlplane");
const out = join(controlplane, "dist", "command");

/** What starts by itself: the command, the thread that tries modules, and the process of asc. Code names the last two as files beside it. */
const entryPoints = {
  main: join(controlplane, "cli", "main.ts"),
  "check-worker": join(root, "host", "check-worker.ts"),
  "compiler-process": join(controlplane, "filter", "compiler-process.ts"),
};

/** Stay packages: native code, and one that reads files beside its own. */
const external = ["better-sqlite3", "etcd3"];

/** Packages of CommonJS ask for modules of Node with `require`, which a module does not have. */
const banner = `import { createRequire as createRequireOfBundle } from "node:module";
const require = createRequireOfBundle(import.meta.url);`;

/** Writes the bundle from the sources. Files are replaced whole, for commands that run meanwhile. */
export async function bundleCommand() {
  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    entryPoints,
    outdir: out,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["meshwright-source"],
    external,
    banner: { js: banner },
    legalComments: "linked",
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  mkdirSync(out, { recursive: true });
  const written = new Set(["LICENSES.txt"]);
  for (const { path, contents } of outputFiles) {
    replace(path, contents);
    written.add(basename(path));
  }
  replace(join(out, "LICENSES.txt"), licences(Object.keys(metafile.inputs)));
  for (const file of readdirSync(out)) if (!written.has(file)) rmSync(join(out, file));
}

/**
 * The licences of the packages that files belong to.
 * @param {readonly string[]} files From the root.
 */
function licences(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
      const texts = readdirSync(join(root, folder))
        .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
        .map((file) => readFileSync(join(root, folder, file), "utf8").trim());
      return [`${name} ${version}, ${license}`, ...texts].join("\n\n");
    })
    .join(`\n\n${"-".repeat(80)}\n\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await bundleCommand();
