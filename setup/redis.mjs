// A Redis for the tests that need a real one. They are skipped, by name, where there is none.
import { spawnSync } from "node:child_process";
import { step } from "./tools.mjs";

/** @param {string} file */
const isHere = (file) => spawnSync(file, ["--version"]).status === 0;

/** Installs Debian's redis-server where nothing like it is here and this process may; says so where it cannot. */
export function offerRedis() {
  if (isHere("redis-server") || isHere("valkey-server")) return;
  if (process.getuid?.() === 0 && isHere("apt-get")) {
    step("installing redis-server");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const install = () => spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "redis-server"], { env });
    if (install().status === 0) return;
    spawnSync("apt-get", ["update"], { env });
    if (install().status === 0) return;
  }
  step("no redis-server is here, so the tests with one are skipped");
}
