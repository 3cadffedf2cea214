import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pino } from "pino";
import type { Assets, SourceFile } from "../model/index.ts";
import { FolderSource, type Source } from "../source/index.ts";
import { probeModule } from "../../test/support/probe.ts";
import { ControlPlane, FaultySourceError, type ControlPlaneOptions } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-control-"));
after(() => rmSync(folder, { recursive: true }));

const service = (name: string): SourceFile => ({
  path: `${name}.yaml`,
  text: `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name} }, spec: { port: 80 } }`,
});

/** A source in memory, which tells its watchers when it is told to. */
class MemorySource implements Source {
  readonly name = "memory";
  files: readonly SourceFile[];
  watchers = new Set<() => void>();
  /** Runs after the files of a reading were taken. */
  afterList: () => void = () => undefined;

  constructor(...files: SourceFile[]) {
    this.files = files;
  }

  list(): Promise<readonly SourceFile[]> {
    const { files } = this;
    this.afterList();
    return Promise.resolve(files);
  }

  readAssets(): Promise<Assets> {
    return Promise.resolve(new Map());
  }

  read(): Promise<Uint8Array> {
    return Promise.reject(new Error("no such file"));
  }

  watch(onChange: () => void): Promise<() => Promise<void>> {
    this.watchers.add(onChange);
    return Promise.resolve(() => {
      this.watchers.delete(onChange);
      return Promise.resolve();
    });
  }
}

const optionsFor = (source: Source): ControlPlaneOptions => ({
  source,
  stateFolder: folder,
  xds: { host: "127.0.0.1", port: 0 },
  http: { host: "127.0.0.1", port: 0 },
  modulesCluster: "modules",
  log: pino({ enabled: false }),
});

describe("start", () => {
  test("a change during the first reading is not missed", async () => {
    const source = new MemorySource(service("a"));
    source.afterList = () => {
      source.afterList = () => undefined;
      source.files = [service("a"), service("b")];
      for (const changed of source.watchers) changed();
    };
    const plane = await ControlPlane.start(optionsFor(source));
    try {
      assert.deepEqual([...(plane.release?.model.services.keys() ?? [])], ["a", "b"]);
    } finally {
      await plane.close();
    }
    assert.equal(source.watchers.size, 0);
  });

  test("a faulty source is refused with its problems, and nothing is left running", async () => {
    const source = new MemorySource({ path: "a.yaml", text: "kind: Servic" });
    await assert.rejects(ControlPlane.start(optionsFor(source)), (error) => {
      assert.ok(error instanceof FaultySourceError);
      assert.match(error.message, /^a\.yaml:1:7: kind: /);
      return true;
    });
    assert.equal(source.watchers.size, 0);
  });

  test("without any resource it serves an empty mesh, and says so", async () => {
    const source = new MemorySource();
    const log: string[] = [];
    const plane = await ControlPlane.start({
      ...optionsFor(source),
      log: pino({}, { write: (line: string) => void log.push(line) }),
    });
    try {
      assert.equal(plane.release?.model.services.size, 0);
      assert.match(log.join(""), /there are no resources yet/);
      source.files = [service("a")];
      for (const changed of source.watchers) changed();
      await plane.reload();
      assert.deepEqual([...plane.release.model.services.keys()], ["a"]);
    } finally {
      await plane.close();
    }
  });

  test("a source that cannot be read is refused with the reason", async () => {
    const source = new MemorySource();
    source.afterList = () => {
      throw new Error("no such folder");
    };
    await assert.rejects(ControlPlane.start(optionsFor(source)), /no such folder/);
    assert.equal(source.watchers.size, 0);
  });
});

describe("while a Rollout holds an old version back", () => {
  test("a filter that it is not about stays as it was, byte for byte", async () => {
    const config = join(folder, "held");
    mkdirSync(config);
    writeFileSync(join(config, "probe.wasm"), await probeModule());
    const write = (timeout: string): void =>
      writeFileSync(
        join(config, "mesh.yaml"),
        `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 8080, sidecar: { node: shop-1, inboundPort: 15006 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: probe }
spec: { file: probe.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: probe }
spec: { targetRefs: [{ name: shop }], module: probe, configuration: { mark: a } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: shop }]
  rules: [{ backendRefs: [{ name: shop, port: 80 }], timeouts: { request: ${timeout} } }]
---
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: shop }
spec: { targetRefs: [{ kind: HTTPRoute, name: shop }] }
`,
      );
    write("1s");
    const plane = await ControlPlane.start(optionsFor(new FolderSource(config)));
    try {
      const versionOf = (): string | undefined =>
        plane.release?.translation.extensionConfig("probe", "shop-1")?.version;
      const timeoutOf = (): unknown => plane.release?.model.httpRoutes.get("shop")?.spec.rules[0]?.timeouts?.request;
      const before = versionOf();
      assert.ok(before !== undefined);
      write("2s");
      await plane.reload();
      assert.equal(timeoutOf(), "1s", "the old route is held back");
      assert.equal(versionOf(), before);
    } finally {
      await plane.close();
    }
  });
});
