// Builds the Rust peers into the cache folder: the benchmark's filters, and the examples that the Rust SDK came with.
//
//   node bench/peers/build.mjs
//
// The Rust SDK's crate is taken from its registry by cargo. A compiler with a standard library for WebAssembly is needed:
// one with the target wasm32-unknown-unknown, or one that has the standard library's source beside it.

import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder, withLock } from "../../controlplane/envoy-binary/cache.mjs";
import { root } from "../../setup/paths.mjs";
import { SetupError, run, step } from "../../setup/tools.mjs";

const TARGET = "wasm32-unknown-unknown";
/** The examples of the SDK, as the last release that has them in its crate, and the release that they are built with. */
const EXAMPLES_OF = "0.2.0";
const SDK = "0.2.5";
const EXAMPLES = ["hello_world", "http_auth_random", "http_body", "http_config", "http_headers"];
const FILTERS = ["headers", "scan", "body", "shared-data", "metrics", "callout"];

/**
 * @typedef {{ ok: true, folder: string } | { ok: false, reason: string }} Built
 * @typedef {{ env: NodeJS.ProcessEnv, args: readonly string[] }} Toolchain
 */

/**
 * The filters of `rust/`, a module each: `headers.wasm` and so on.
 * @returns {Promise<Built>}
 */
export function buildRustFilters() {
  return build("rust-filters", FILTERS, () => Promise.resolve(join(root, "bench", "peers", "rust")));
}

/**
 * The examples of the Rust SDK, unmodified, a module each.
 * @returns {Promise<Built>}
 */
export function buildRustExamples() {
  return build("rust-examples", EXAMPLES, async ({ env }) => {
    const folder = cacheFolder("peers", "rust-examples-package");
    mkdirSync(join(folder, "src"), { recursive: true });
    writeFileSync(join(folder, "src", "lib.rs"), "");
    writeFileSync(join(folder, "Cargo.toml"), manifestOf(await sourceOfExamples(env)));
    return folder;
  });
}

/**
 * @param {string} name
 * @param {readonly string[]} modules
 * @param {(toolchain: Toolchain) => Promise<string>} packageOf Makes the package whose examples the modules are.
 * @returns {Promise<Built>}
 */
async function build(name, modules, packageOf) {
  const toolchain = findToolchain();
  if (typeof toolchain === "string") return { ok: false, reason: toolchain };
  const folder = cacheFolder("peers", name);
  const target = cacheFolder("peers", `${name}-target`);
  return withLock(`${folder}.lock`, async () => {
    const cwd = await packageOf(toolchain);
    step(`building ${name}`);
    await run(
      "cargo",
      ["build", "--quiet", "--release", "--examples", "--target", TARGET, "--target-dir", target, ...toolchain.args],
      { cwd, env: toolchain.env },
    );
    for (const module of modules) {
      const built = join(target, TARGET, "release", "examples", `${module.replaceAll("-", "_")}.wasm`);
      await optimize(built, join(folder, `${module}.wasm`));
    }
    return { ok: true, folder };
  });
}

/**
 * A compiler for the target, or why there is none.
 * @returns {Toolchain | string}
 */
function findToolchain() {
  if (spawnSync("cargo", ["--version"]).status !== 0) return "cargo is not here";
  const env = { ...process.env };
  for (const rustc of [env["RUSTC"] ?? "rustc", "/usr/bin/rustc"]) {
    const shown = spawnSync(rustc, ["--print", "sysroot"], { encoding: "utf8" });
    if (shown.status !== 0) continue;
    const library = join(shown.stdout.trim(), "lib", "rustlib");
    if (existsSync(join(library, TARGET))) return { env: { ...env, RUSTC: rustc }, args: [] };
    // Debian's compiler comes without rust-lld.
    const linker = { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld" };
    if (existsSync(join(library, "src", "rust", "library")) && spawnSync("wasm-ld", ["--version"]).status === 0) {
      return {
        // cargo builds the standard library only on request, and a stable compiler only with this.
        env: { ...env, ...linker, RUSTC: rustc, RUSTC_BOOTSTRAP: "1" },
        args: ["-Zbuild-std=std,panic_abort"],
      };
    }
  }
  return `no Rust compiler for ${TARGET} is here (rustup: target add ${TARGET}; Debian: rustc-web, rust-web-src and lld, with any cargo)`;
}

/**
 * Runs Binaryen over a module, as release builds of Rust filters do.
 * @param {string} from
 * @param {string} to
 */
async function optimize(from, to) {
  if (existsSync(to) && statSync(to).mtimeMs >= statSync(from).mtimeMs) return;
  const wasmOpt = join(root, "node_modules", "binaryen", "bin", "wasm-opt");
  await run(process.execPath, [wasmOpt, "-O3", "--all-features", from, "-o", to]);
}

/**
 * The folder where cargo keeps the source of the crate that has the examples.
 * @param {NodeJS.ProcessEnv} env
 */
async function sourceOfExamples(env) {
  const folder = cacheFolder("peers", "rust-examples-source");
  mkdirSync(join(folder, "src"), { recursive: true });
  writeFileSync(join(folder, "src", "lib.rs"), "");
  writeFileSync(
    join(folder, "Cargo.toml"),
    `[package]\nname = "source"\nedition = "2021"\n\n[workspace]\n\n[dependencies]\nproxy-wasm = "=${EXAMPLES_OF}"\n`,
  );
  const output = await run("cargo", ["metadata", "--quiet", "--format-version", "1"], { cwd: folder, env });
  /** @type {{ packages: { name: string, manifest_path: string }[] }} */
  const { packages } = JSON.parse(output.toString());
  const found = packages.find(({ name }) => name === "proxy-wasm");
  if (found === undefined) throw new SetupError(`cargo did not bring proxy-wasm ${EXAMPLES_OF}`);
  return dirname(found.manifest_path);
}

/** @param {string} source */
function manifestOf(source) {
  const examples = EXAMPLES.map((name) => {
    const path = JSON.stringify(join(source, "examples", `${name}.rs`));
    return `[[example]]\nname = "${name}"\ncrate-type = ["cdylib"]\npath = ${path}\n`;
  });
  return `[package]
name = "rust-examples"
edition = "2018"

[workspace]

[dependencies]
proxy-wasm = "=${SDK}"
cfg-if = "1.0"
chrono = { version = "0.4", default-features = false, features = ["clock", "std"] }
log = "0.4"

[profile.release]
opt-level = 3
lto = true
codegen-units = 1
panic = "abort"
strip = true

${examples.join("\n")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    for (const built of [await buildRustFilters(), await buildRustExamples()]) {
      if (!built.ok) throw new SetupError(built.reason);
      step(`the modules are in ${built.folder}`);
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    step(error.message);
    process.exitCode = 1;
  }
}
