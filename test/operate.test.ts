import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ConfigDump, Trace } from "../controlplane/inspect/index.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";

// What an operator is shown of a real Envoy.
let service: OneService;
let mesh: Mesh;
let http: readonly string[];

before(async () => {
  service = await startOneService("good");
  ({ mesh } = service);
  http = ["--http", `127.0.0.1:${String(mesh.httpPort)}`];
});
after(() => service.stop());

test("a dump has what Envoy has, in the versions that it acknowledged, and no private key", async () => {
  await mesh.until("web-1", ({ state }) => state === "ready");
  const text = await mesh.meshwright("config", ["dump", "web-1", ...http]);
  assert.doesNotMatch(text, /PRIVATE KEY/);
  const dump = JSON.parse(text) as ConfigDump;
  const resources = dump.types.flatMap((type) => type.resources);
  assert.ok(resources.length >= 4);
  for (const { name, state, version, acked, acceptedAt } of resources) {
    assert.equal(state, "synced", name);
    assert.ok(acked === version || acked?.startsWith(`${version ?? ""}+`), `${name} ${acked ?? ""}`);
    assert.ok(acceptedAt !== undefined, name);
  }
  const own = await service.envoy.admin("/config_dump?resource=dynamic_listeners");
  const listeners = JSON.parse(own) as { configs: { name: string; active_state: { version_info: string } }[] };
  const dumped = dump.types.find(({ type }) => type.endsWith(".Listener"));
  for (const { name, active_state: active } of listeners.configs)
    assert.equal(dumped?.resources.find((one) => one.name === name)?.acked, active.version_info);
});

test("a trace goes from the line of a file to Envoy's own words", async () => {
  writePolicy(mesh, { mark: "bad", refuseInEnvoy: true });
  await mesh.until("web-1", ({ state }) => state === "faulty");
  const trace = JSON.parse(
    await mesh.meshwright("trace", ["web-1", "FilterPolicy/web-probe", "--json", ...http]),
  ) as Trace;
  assert.match(trace.source?.at ?? "", /policy\.yaml:\d+:\d+$/);
  assert.deepEqual(trace.resources.map(({ type, state }) => [type, state]).sort(), [
    ["Listener", "synced"],
    ["TypedExtensionConfig", "rejected"],
  ]);
  const filter = trace.resources.find(({ type }) => type === "TypedExtensionConfig");
  assert.match(filter?.rejection?.message ?? "", /Unable to create Wasm plugin/);
  const shown = await mesh.meshwright("trace", ["web-1", "web-probe", ...http]);
  assert.match(shown, /from FilterPolicy\/web-probe .*policy\.yaml:\d+:\d+\n/);
  assert.match(shown, /rejected version \S+ at \S+:\n +Unable to create Wasm plugin/);
});
