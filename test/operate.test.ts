import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../setup/paths.mjs";
import type { ConfigDump, Trace } from "../controlplane/inspect/index.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";

// What an operator is shown of a real Envoy.
const guide = readFileSync(join(root, "docs", "guides", "operate.md"), "utf8");
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

/** A command of the guide with what it prints there. */
const blocks = new Map(
  [...guide.matchAll(/```console\n\$ meshwright (.+)\n([^]+?)```/g)].map(([, command = "", text = ""]) => [
    command,
    text,
  ]),
);

/** Without what differs from run to run: hashes, times, ports, figures, versions, and where the files are. */
function shape(text: string): string[] {
  return text
    .replaceAll(`${mesh.config}/`, "mesh/")
    .replaceAll(`${mesh.folder}/`, "")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\b[0-9a-f]{8,}\b/g, "HASH")
    .replace(/portValue: \d+/g, "PORT")
    .replace(/\d+\.\d+ MiB/g, "MEMORY")
    .replace(/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, "VERSION")
    .trim()
    .split("\n")
    .map((line) => line.replace(/(\S) {2,}/g, "$1 ").trimEnd());
}

test("docs/guides/operate.md shows what is printed", async () => {
  writeFileSync(
    join(mesh.folder, "new.yaml"),
    (mesh.read("service.yaml").split("---")[0] ?? "").replace(/port: 80$/m, "port: 80\n  connectTimeout: 2s"),
  );
  await mesh.until("web-1", ({ state }) => state === "faulty");
  assert.equal(blocks.size, 4);
  for (const [command, expected] of blocks) {
    const [name = "", ...args] = command.split(" ").map((arg) => (arg === "new.yaml" ? join(mesh.folder, arg) : arg));
    const state = name === "plan" ? ["--state", mesh.state] : [];
    assert.deepEqual(shape(await mesh.meshwright(name, [...args, ...state, ...http])), shape(expected), command);
  }
});
