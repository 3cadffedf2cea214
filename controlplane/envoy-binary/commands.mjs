// Running other programs, with errors that say what is missing.
import { spawn, spawnSync } from "node:child_process";

/** A failure that the user can act on; printed without a stack. */
export class SetupError extends Error {}

/** @param {string} text */
export function step(text) {
  process.stderr.write(`meshwright: ${text}\n`);
}

/**
 * Runs a command and resolves with its output.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, input?: Uint8Array, show?: boolean, env?: NodeJS.ProcessEnv }} [options] `show` passes the output through.
 * @returns {Promise<Buffer>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["pipe", options.show ? "inherit" : "pipe", options.show ? "inherit" : "pipe"],
    });
    /** @type {Buffer[]} */
    const out = [];
    /** @type {Buffer[]} */
    const err = [];
    child.stdout?.on("data", (data) => out.push(data));
    child.stderr?.on("data", (data) => err.push(data));
    child.on("error", (error) => reject(new SetupError(`cannot run ${command}: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out));
      else {
        const said = Buffer.concat(err).toString().trim();
        reject(
          new SetupError(
            `${command} ${args.join(" ")} ended with ${signal ?? `status ${code}`}${said && `:\n${said}`}`,
          ),
        );
      }
    });
    child.stdin?.on("error", () => {}); // The child may end before it has read everything; "close" reports that.
    child.stdin?.end(options.input);
  });
}

/**
 * The Python command; wheels are downloaded with its pip.
 * @returns {string}
 */
export function python() {
  for (const command of ["python3", "python"]) {
    const found = spawnSync(command, ["-m", "pip", "--version"], { encoding: "utf8" });
    if (found.status === 0 && found.stdout.includes("python 3")) return command;
    if (found.status !== null && command === "python3" && found.stderr.includes("No module named pip")) {
      throw new SetupError("Python 3 is here but pip is not (python3 -m pip): install it, for example as python3-pip");
    }
  }
  throw new SetupError("Python 3 with pip is needed (python3 -m pip): install it, for example as python3-pip");
}
