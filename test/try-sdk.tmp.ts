import { readFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";
import { HostRunner } from "/work/main/test/support/host-runner.ts";
import { EnvoyRunner } from "/work/main/test/support/envoy-runner.ts";
import { plugins } from "/work/main/test/support/sdk-plugins.ts";
import { exchanges } from "/work/main/test/support/sdk-exchanges.ts";
const host = await HostRunner.start(readFileSync("/tmp/sdk-fixture.wasm"), plugins);
const envoy = await EnvoyRunner.start("/tmp/sdk-fixture.wasm", plugins);
try {
for (const exchange of exchanges) {
  let a: unknown, b: unknown;
  try { a = await host.run(exchange); } catch (e) { a = e; }
  try { b = await envoy.run(exchange); } catch (e) { b = String(e).slice(0, 3000); }
  const same = isDeepStrictEqual(a, b);
  console.log("=====", exchange.scenario, exchange.plugin ?? "", same ? "SAME" : "DIFFERENT");
  console.log(inspect(b, { depth: 9, breakLength: 160, maxStringLength: 3000 }));
  if (!same) { console.log("--- host"); console.log(inspect(a, { depth: 9, breakLength: 160 })); }
}
console.log(host.host.log.lines.filter(l=>l.level==="critical"||l.source==="host"));
} finally { await envoy.stop(); await host.stop(); }
