import { Envoy } from "../test/support/envoy.ts";
import { freePorts } from "../test/support/ports.ts";
import { configurationOf, directResponse, type Json } from "./configuration.ts";
import { pinTo } from "./measure.ts";

export interface Upstream {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * A server for callouts and bodies: an Envoy that answers by itself, on the core of the load generator.
 * @param routes A direct response to everything when left out.
 */
export async function startUpstream(routes: readonly Json[] = [directResponse]): Promise<Upstream> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const variant = { name: "upstream", filters: [], routes, path: "/", headers: {} };
  const configuration = configurationOf(variant, port, adminPort);
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
