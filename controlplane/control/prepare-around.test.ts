import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { CertificateAuthority, type Certificate } from "../../test/support/certificates.ts";
import { probeModule, withNote } from "../../test/support/probe.ts";
import type { LastGood } from "../isolate/index.ts";
import { resourcesOf } from "../model/index.ts";
import { ModuleFetcher, ModuleStore } from "../modules/index.ts";
import { FolderSource } from "../source/index.ts";
import type { LoadedModule } from "./filter-checks.ts";
import { Pipeline, type Release } from "./pipeline.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-around-"));
after(() => rmSync(root, { recursive: true }));

const api = "apiVersion: meshwright.dev/v1alpha1";
const service = (name: string, timeout: number): string =>
  `${api}\nkind: Service\nmetadata: { name: ${name} }\nspec: { port: 80, connectTimeout: ${String(timeout)}s, endpoints: [{ address: 10.0.0.1, port: ${name === "web" ? "81" : "82"}, sidecar: { node: ${name}, inboundPort: ${name === "web" ? "83" : "84"} } }] }\n`;
const policy = (mark: string): string =>
  `${api}\nkind: FilterPolicy\nmetadata: { name: web }\nspec: { targetRefs: [{ kind: Service, name: web }], module: probe, configuration: { mark: ${mark} } }\n`;
const module = `${api}\nkind: WasmModule\nmetadata: { name: probe }\nspec: { file: probe.wasm, schema: schema.json }\n`;
const schema = `{ "type": "object", "properties": { "mark": { "type": "string" } } }`;

let probe: Buffer;
let folder = "";
let count = 0;
let pipeline: Pipeline;

const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);

before(async () => void (probe = await probeModule()));
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
  const store = new ModuleStore(`${folder}.state`);
  const settings = { modulesAuthority: "plane:80", modulesCluster: "plane" };
  pipeline = new Pipeline(new FolderSource(folder), store, new ModuleFetcher(store), settings);
  write("web.yaml", service("web", 1));
  write("db.yaml", service("db", 1));
  write("policy.yaml", policy("one"));
  write("module.yaml", module);
  write("schema.json", schema);
  write("probe.wasm", probe);
});

async function good(): Promise<Release> {
  const result = await pipeline.prepare();
  assert.ok(result.ok, JSON.stringify(result));
  return result.release;
}

interface Around {
  readonly release: Release;
  readonly kept: readonly string[];
  readonly leftOut: readonly string[];
  readonly problems: readonly string[];
}

async function around(last: Release | undefined): Promise<Around> {
  const lastGood: LastGood<LoadedModule> =
    last === undefined
      ? { resources: [], modules: new Map(), certificates: new Map() }
      : { resources: resourcesOf(last.model), modules: last.modules, certificates: last.certificates };
  const result = await pipeline.prepareAround(() => Promise.resolve(lastGood));
  assert.ok(result.ok, JSON.stringify(result));
  const names = (list: readonly { readonly resource: string }[]): string[] => list.map(({ resource }) => resource);
  const problems = result.problems.map(
    ({ file, line, column, message }) => `${file.slice(folder.length + 1)}:${line}:${column}: ${message}`,
  );
  return { release: result.release, kept: names(result.held.kept), leftOut: names(result.held.leftOut), problems };
}

const timeoutOf = ({ model }: Release, name: string): string | undefined =>
  model.services.get(name)?.spec.connectTimeout;

describe("around a fault", () => {
  it("nothing is held where there is none", async () => {
    const last = await good();
    write("db.yaml", service("db", 2));
    const { release, kept, leftOut } = await around(last);
    assert.deepEqual([timeoutOf(release, "db"), kept, leftOut], ["2s", [], []]);
  });

  for (const [what, spoil, fault] of [
    ["a JSON Schema that cannot be used", () => write("schema.json", `{ "type": "objct" }`), /^schema\.json:1:1: /],
    ["a JSON Schema that is missing", () => rmSync(join(folder, "schema.json")), /^module\.yaml:4:35: cannot read /],
    ["a module that is missing", () => rmSync(join(folder, "probe.wasm")), /^module\.yaml:4:15: cannot read /],
    ["a module that Envoy would refuse", () => write("probe.wasm", "no Wasm"), /^module\.yaml:4:15: Envoy would /],
  ] as const) {
    it(`${what}: module and filters stay, with the bytes that they had; other Services change`, async () => {
      const last = await good();
      spoil();
      write("policy.yaml", policy("two"));
      write("db.yaml", service("db", 2));
      const { release, kept, leftOut, problems } = await around(last);
      assert.match(problems[0] ?? "", fault);
      assert.deepEqual([kept, leftOut], [["FilterPolicy web", "WasmModule probe"], []]);
      assert.equal(release.model.filterPolicies.get("web")?.spec.configuration?.["mark"], "one");
      assert.equal(release.modules.get("probe")?.sha256, last.modules.get("probe")?.sha256);
      assert.equal(timeoutOf(release, "db"), "2s");
      // And so it is at the next look, from what was served then.
      assert.deepEqual((await around(release)).kept, kept);
    });
  }

  it("a module with other bytes stays out where a filter does not start on them", async () => {
    const last = await good();
    write("probe.wasm", withNote(probe, "another"));
    write("policy.yaml", policy("5"));
    const { release, kept } = await around(last);
    assert.deepEqual(kept, ["FilterPolicy web", "WasmModule probe"]);
    assert.equal(release.modules.get("probe")?.sha256, last.modules.get("probe")?.sha256);
  });

  it("the schema of a WasmModule that is faulty itself is no resource", async () => {
    const last = await good();
    write("module.yaml", module.replace("file:", "flie:"));
    write("db.yaml", service("db", 2));
    const { release, kept } = await around(last);
    assert.deepEqual([kept, timeoutOf(release, "db")], [["WasmModule probe"], "2s"]);
  });

  it("two of one name: the one that was there before stays", async () => {
    const last = await good();
    write("web.2.yaml", service("web", 2));
    write("db.yaml", service("db", 2));
    const { release, kept } = await around(last);
    assert.deepEqual([timeoutOf(release, "web"), timeoutOf(release, "db"), kept], ["1s", "2s", ["Service web"]]);
  });

  it("a file that is no YAML refuses all", async () => {
    const last = await good();
    write("more.yaml", "kind: [");
    write("db.yaml", service("db", 2));
    const { modules, certificates } = last;
    const lastGood = { resources: resourcesOf(last.model), modules, certificates };
    assert.equal((await pipeline.prepareAround(() => Promise.resolve(lastGood))).ok, false);
  });

  it("where nothing was good before, a module that is missing takes filter and Service with it", async () => {
    rmSync(join(folder, "probe.wasm"));
    const { release, leftOut } = await around(undefined);
    assert.deepEqual(leftOut, ["FilterPolicy web", "Service web", "WasmModule probe"]);
    assert.deepEqual([...release.model.services.keys()], ["db"]);
  });
});

describe("around a Certificate with faulty files", () => {
  let authority: CertificateAuthority;
  let pair: Certificate;
  let other: Certificate;
  before(async () => {
    authority = await CertificateAuthority.create("ours");
    [pair, other] = [await authority.issue("/CN=web"), await authority.issue("/CN=web")];
  });
  after(() => authority.remove());
  beforeEach(() => {
    write(
      "certificate.yaml",
      `${api}\nkind: Certificate\nmetadata: { name: own }\nspec: { certFile: c.pem, keyFile: c.key }\n`,
    );
    write("db.yaml", service("db", 1).replace("spec: {", "spec: { inboundTls: { certificate: own },"));
    write("c.pem", pair.cert);
    write("c.key", pair.key);
  });

  it("it stays with what the files held, and others change", async () => {
    const last = await good();
    write("c.key", other.key);
    write("web.yaml", service("web", 2));
    const { release, kept, leftOut, problems } = await around(last);
    assert.deepEqual([kept, leftOut, timeoutOf(release, "web")], [["Certificate own"], [], "2s"]);
    assert.match(
      problems[0] ?? "",
      /^certificate\.yaml:4:\d+: .*c\.key: the private key is not that of the certificate/,
    );
    assert.equal(release.certificates.get("own")?.pair?.privateKey, last.certificates.get("own")?.pair?.privateKey);
    write("c.pem", other.cert);
    const now = await around(release);
    assert.deepEqual(now.kept, []);
    assert.notEqual(now.release.certificates.get("own")?.fingerprint, last.certificates.get("own")?.fingerprint);
  });

  it("at a start it is left out with the Service that needs it, whatever was kept of them", async () => {
    const last = await good();
    write("c.key", "nothing");
    for (const before of [
      undefined,
      await pipeline.trusted({ resources: resourcesOf(last.model), modules: last.modules, certificates: new Map() }),
    ]) {
      const lastGood = before ?? { resources: [], modules: new Map(), certificates: new Map() };
      const result = await pipeline.prepareAround(() => Promise.resolve(lastGood));
      assert.ok(result.ok);
      assert.deepEqual(
        result.held.leftOut.map(({ resource }) => resource),
        ["Certificate own", "Service db"],
      );
      assert.deepEqual([...result.release.model.services.keys()], ["web"]);
    }
  });

  it("is refused where nothing is encrypted", async () => {
    const store = new ModuleStore(`${folder}.state`);
    const settings = { modulesAuthority: "plane:80", modulesCluster: "plane" };
    const open = new Pipeline(new FolderSource(folder), store, new ModuleFetcher(store), settings, {
      isEncrypted: false,
    });
    const result = await open.prepare();
    assert.match(result.ok ? "" : (result.problems[0]?.message ?? ""), /no private key is sent without encryption/);
  });
});
