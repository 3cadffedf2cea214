import { Envoy } from "../test/support/envoy.ts";
import { freePorts } from "../test/support/ports.ts";
import { configurationOf } from "./configuration.ts";
import { pinTo } from "./measure.ts";

/** A server for callouts: an Envoy that answers everything with 200 by itself, on the core of the load generator. */
export async function startUpstream(): Promise<{ port: number; stop: () => Promise<void> }> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const configuration = configurationOf({ name: "upstream", filters: [], path: "/", headers: {} }, port, adminPort);
  const envoy = await Envoy.start("upstream", configuration, adminPort, { concurrency: 1, logLevel: "error" });
  try {
    await pinTo(envoy.process.child.pid ?? 0, 1);
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  } catch (error) {
    await envoy.stop();
    throw error;
  }
  return { port, stop: () => envoy.stop() };
}
