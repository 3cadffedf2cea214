// Servers, and a browser, for the tests that need a real one. They are skipped, by name, where there is none.
import { spawnSync } from "node:child_process";
import { step } from "./tools.mjs";

/** @param {string} file */
const isHere = (file) => spawnSync(file, ["--version"]).status === 0;

/** Each server by the commands that start it, any of which will do, and Debian's package of it. */
const servers = [
  { commands: ["redis-server", "valkey-server"], debian: "redis-server" },
  { commands: ["etcd"], debian: "etcd-server" },
  // No server, but likewise.
  { commands: ["chromium", "chromium-browser", "google-chrome"], debian: "chromium" },
];

/** Installs Debian's packages of the servers that are not here, where this process may; says so where it cannot. */
export function offerServers() {
  const missing = servers.filter(({ commands }) => !commands.some(isHere)).map(({ debian }) => debian);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && isHere("apt-get")) {
    step(`installing ${missing.join(" and ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const install = () => spawnSync("apt-get", ["install", "-y", "--no-install-recommends", ...missing], { env });
    if (install().status === 0) return;
    spawnSync("apt-get", ["update"], { env });
    if (install().status === 0) return;
  }
  step(`no ${missing.join(" and no ")} is here, so the tests with one are skipped`);
}
