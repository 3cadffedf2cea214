// Every check, one after the other, and one total. `node setup/test.mjs unit e2e` runs only those parts.
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { globSync } from "./glob.mjs";
import { root } from "./paths.mjs";
import { step } from "./tools.mjs";

const node = process.execPath;
const bin = (/** @type {string} */ path) => [node, `node_modules/${path}`];
const nodeTest = ["--import", "tsx", "--conditions=meshwright-source", "--test", "--test-reporter=spec"];

/** @type {Record<string, () => string[][]>} */
const parts = {
  lint: () => [
    [...bin("eslint/bin/eslint.js"), "."],
    [...bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."],
  ],
  types: () => [[...bin("typescript/bin/tsc"), "-p", "tsconfig.json"]],
  assembly: () => [[...bin("@as-pect/cli/bin/asp.js"), "--summary", "--no-logo"]],
  unit: () => [
    [node, ...nodeTest, ...globSync(["assembly", "host", "filters", "examples", "controlplane", "setup"], ".test.ts")],
  ],
  e2e: () => [[node, ...nodeTest, "--test-concurrency=1", ...globSync(["test"], ".test.ts")]],
};

/**
 * @param {readonly string[]} command
 * @returns {Promise<{ code: number, output: string }>}
 */
function runShown([file = "", ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * The counts that a runner closes with: node's test runner, or as-pect; a check without tests counts as one.
 * @param {string} output
 * @param {number} code
 */
function count(output, code) {
  const plain = stripVTControlCharacters(output);
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(plain)?.[1] ?? NaN);
  const passed = number(/^ℹ pass (\d+)/m);
  if (!Number.isNaN(passed)) return { passed, failed: number(/^ℹ fail (\d+)/m), skipped: number(/^ℹ skipped (\d+)/m) };
  const aspect = /\[Tests\]: (\d+) \/ (\d+)/.exec(plain);
  if (aspect !== null) return { passed: Number(aspect[1]), failed: Number(aspect[2]) - Number(aspect[1]), skipped: 0 };
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  step(`unknown part "${unknown[0]}": expected ${Object.keys(parts).join(", ")}`);
  process.exit(1);
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, commands] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const command of commands()) {
    step(`${name}: ${command.slice(1, 2).join(" ")}`);
    const started = process.hrtime.bigint();
    const { code, output } = await runShown(command);
    const counted = count(output, code);
    if (code !== 0 && counted.failed === 0) counted.failed = 1;
    total.passed += counted.passed;
    total.failed += counted.failed;
    total.skipped += counted.skipped;
    step(
      `${name}: ${code === 0 ? "passed" : "FAILED"} in ${Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000} s`,
    );
  }
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
