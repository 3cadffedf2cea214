// Every check, one more at once than there are processors, as many tests wait for another process, and one total. `node setup/test.mjs unit e2e` runs only those parts.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { stripVTControlCharacters } from "node:util";
import { globSync } from "./glob.mjs";
import { builtApiServer } from "./kubernetes.mjs";
import { root } from "./paths.mjs";
import { step } from "./tools.mjs";

/** One command. A file or a folder of tests is one too: node's own runner would leave a processor to itself. */
/** @typedef {{ part: string, name: string, command: string[] }} Job */
/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** A job that takes longer hangs. The longest takes a minute on a machine that has nothing else to do. */
const LIMIT_MS = 15 * 60_000;

const KUBERNETES = "test/kubernetes";

const node = process.execPath;
const bin = (/** @type {string} */ path) => [node, `node_modules/${path}`];
const typescript = [node, "--import", "tsx", "--conditions=meshwright-source", "--test-reporter=spec"];
const testFiles = (/** @type {string[]} */ folders) =>
  globSync(folders, ".test.ts").map((file) => ({ name: file, command: [...typescript, file] }));
/** A file that waits for something before it declares its tests would declare them after its suite has ended. */
const waitsAtTop = (/** @type {string} */ file) =>
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .some((line) => /^\S.*\bawait /.test(line) && !/\basync\b/.test(line));
const testFolders = (/** @type {string[]} */ folders) => {
  /** @type {Map<string, string[]>} */
  const byFolder = new Map();
  for (const file of globSync(folders, ".test.ts")) {
    const group = waitsAtTop(file) ? file : dirname(file);
    byFolder.set(group, [...(byFolder.get(group) ?? []), file]);
  }
  return Array.from(byFolder, ([folder, files]) => ({
    name: folder,
    command: [...typescript, ...(folder.endsWith(".ts") ? [] : ["setup/test-folder.mjs"]), ...files],
  }));
};

/** The parts, longest jobs first, so that the last job to end is a short one. */
/** @type {Record<string, () => { name: string, command: string[] }[]>} */
const parts = {
  lint: () => [
    { name: "eslint", command: [...bin("eslint/bin/eslint.js"), "."] },
    { name: "prettier", command: [...bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."] },
  ],
  // What tests need of it and does not come in time, they compile themselves.
  modules: () => [{ name: "modules of fixtures and examples", command: [node, "setup/modules.mjs"] }],
  types: () => [{ name: "tsc", command: [...bin("typescript-native/bin/tsc"), "-p", "tsconfig.json"] }],
  assembly: () => [{ name: "as-pect", command: [...bin("@as-pect/cli/bin/asp.js"), "--summary", "--no-logo"] }],
  e2e: () => testFiles(["test"]).filter(({ name }) => !name.startsWith(KUBERNETES)),
  // Only where npm run test:kubernetes has built a kube-apiserver, which takes long.
  kubernetes: () => (builtApiServer() === undefined ? [] : testFiles([KUBERNETES])),
  unit: () => testFolders(["assembly", "host", "filters", "examples", "controlplane", "setup"]),
};

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** Ends a job with all that it has started: it leads a group of processes. */
function end(/** @type {import("node:child_process").ChildProcess} */ child, /** @type {NodeJS.Signals} */ signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/**
 * @param {Job} job
 * @returns {Promise<{ code: number, output: string, isLate: boolean }>}
 */
function run({ command: [file = "", ...args] }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], detached: true });
    running.add(child);
    let output = "";
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      end(child, "SIGKILL");
    }, LIMIT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => (output += text));
    }
    child.on("error", reject);
    // What it left behind goes too, which would otherwise hold its output open.
    child.on("exit", () => end(child, "SIGKILL"));
    child.on("close", (code) => {
      clearTimeout(limit);
      running.delete(child);
      resolve({ code: code ?? 1, output, isLate });
    });
  });
}

/**
 * The counts that a job closes with: node's tests, or as-pect; a check without tests counts as one.
 * @param {string} output
 * @param {number} code
 * @returns {Counts}
 */
function count(output, code) {
  const plain = stripVTControlCharacters(output);
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(plain)?.[1] ?? NaN);
  const passed = number(/^ℹ pass (\d+)/m);
  const counts = { passed, failed: number(/^ℹ fail (\d+)/m), skipped: number(/^ℹ skipped (\d+)/m) };
  const aspect = /\[Tests\]: (\d+) \/ (\d+)/.exec(plain);
  if (Number.isNaN(passed)) {
    counts.passed = aspect === null ? (code === 0 ? 1 : 0) : Number(aspect[1]);
    counts.failed = aspect === null ? 0 : Number(aspect[2]) - Number(aspect[1]);
    counts.skipped = 0;
  }
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  step(`unknown part "${unknown[0]}": expected ${Object.keys(parts).join(", ")}`);
  process.exit(1);
}

/** @type {Job[]} */
const queue = Object.entries(parts).flatMap(([part, jobs]) =>
  asked.length > 0 && !asked.includes(part) ? [] : jobs().map((job) => ({ part, ...job })),
);
/** @type {Counts} */
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {Map<string, number>} */
const seconds = new Map();
/** @type {string[]} */
const failed = [];

async function work() {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const started = performance.now();
    const { code, output, isLate } = await run(job);
    const took = (performance.now() - started) / 1000;
    const counts = count(output, code);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    seconds.set(job.part, (seconds.get(job.part) ?? 0) + took);
    const how = isLate ? "HUNG" : counts.failed === 0 ? "passed" : "FAILED";
    if (how !== "passed") failed.push(`${job.part}: ${job.name}`);
    process.stdout.write(output);
    step(`${job.part}: ${job.name} ${how} in ${took.toFixed(1)} s`);
  }
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => {
    queue.length = 0;
    for (const child of running) end(child, signal);
  });
}

const started = performance.now();
await Promise.all(Array.from({ length: availableParallelism() + 1 }, work));
for (const [part, took] of seconds) step(`${part}: ${took.toFixed(0)} s of work`);
for (const name of failed) step(`FAILED ${name}`);
step(`all in ${((performance.now() - started) / 1000).toFixed(0)} s`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
