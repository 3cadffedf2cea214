// What set-up needs before it can start.
import { SetupError, python } from "../controlplane/envoy-binary/commands.mjs";

export { SetupError, python, run, step } from "../controlplane/envoy-binary/commands.mjs";

/** Checks what must be there before set-up can start. */
export function checkTools() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node 20.19 or newer is needed; this is ${process.versions.node}`);
  }
  python();
}
