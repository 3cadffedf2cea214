// The manifests for Istio and Envoy Gateway: taken by a real API server with their own definitions, with configurations that the filters take.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkModule } from "@meshwright/host";
import { root } from "../../setup/paths.mjs";
import { Kubernetes, withoutKubernetes, yamlObjects, type KubernetesObject } from "../support/kubernetes.ts";
import { envoyExtensionPolicyDefinition, wasmPluginDefinition } from "../support/peer-definitions.ts";

const definitions =
  withoutKubernetes() === undefined
    ? [await wasmPluginDefinition(), await envoyExtensionPolicyDefinition()].filter((one) => one !== undefined)
    : [];
const skip = withoutKubernetes() ?? (definitions.length < 2 ? "the definitions of the peers are not here" : undefined);

const manifests = ["istio", "envoy-gateway"].map((peer) =>
  readFileSync(join(root, "deploy", peer, "filters.yaml"), "utf8"),
);

interface Filter {
  readonly name: string;
  readonly rootId: string;
  readonly configuration: object;
}

/** The filters that a manifest runs. */
function filtersOf({ kind, spec }: KubernetesObject): Filter[] {
  if (kind === "WasmPlugin") {
    const { pluginName, pluginConfig, url } = spec as { pluginName: string; pluginConfig: object; url: string };
    return [{ name: moduleOf(url), rootId: pluginName, configuration: pluginConfig }];
  }
  const { wasm } = spec as {
    wasm: { rootID: string; config: object; code: { image: { url: string } } }[];
  };
  return wasm.map(({ rootID, config, code }) => ({
    ...{ name: moduleOf(code.image.url), rootId: rootID, configuration: config },
  }));
}

function moduleOf(image: string): string {
  return /\/([\w-]+):1\.0$/.exec(image)?.[1] ?? `no filter in ${image}`;
}

for (const { name, rootId, configuration } of manifests.flatMap(yamlObjects).flatMap(filtersOf)) {
  test(`${name} takes its configuration in a manifest`, async () => {
    const module = readFileSync(join(root, "build", `${name}.wasm`));
    const result = await checkModule(module, { rootId, configuration: JSON.stringify(configuration) });
    assert.ok(result.ok, JSON.stringify(result));
  });
}

describe("a real API server", { skip }, () => {
  let kubernetes: Kubernetes;
  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyCustomResources(...definitions);
    await kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  });
  after(() => kubernetes.stop());

  test("takes the manifests, each field of which the peer's definition knows", async () => {
    for (const object of manifests.flatMap(yamlObjects)) {
      const { status, body } = await kubernetes.tryApply(object);
      assert.ok(status < 300, `${object.kind} ${object.metadata.name}: ${body.message ?? ""}`);
      const spec = object["spec"] as object;
      const misspelled = await kubernetes.tryApply({ ...object, spec: { ...spec, pluginConfg: {} } });
      assert.ok(misspelled.status >= 400, "else this test would not see a mistake");
    }
  });
});
