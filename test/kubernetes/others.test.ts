// The examples for Istio and Envoy Gateway against what these projects take, and against our filters.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv } from "ajv";
import { root } from "../../setup/paths.mjs";
import { goModule } from "../../setup/go.mjs";
import { Kubernetes, withoutKubernetes, yamlObjects, type KubernetesObject } from "../support/kubernetes.ts";

const example = (name: string): KubernetesObject[] =>
  yamlObjects(readFileSync(join(root, "examples/kubernetes", name), "utf8"));
const istio = example("istio.yaml");
const gateway = example("envoy-gateway.yaml");

test("each configuration in the examples is one of its filter", () => {
  type Spec = { pluginName: string; pluginConfig: object; wasm: { name: string; config: object }[] };
  const configurations = [
    ...istio.map(({ spec }) => spec as Spec).map(({ pluginName, pluginConfig }) => [pluginName, pluginConfig] as const),
    ...gateway.flatMap(({ spec }) => (spec as Spec).wasm.map(({ name, config }) => [name, config] as const)),
  ];
  assert.equal(configurations.length, 4);
  for (const [name, configuration] of configurations) {
    const schema = JSON.parse(readFileSync(join(root, "filters", name, "schema.json"), "utf8")) as object;
    const ajv = new Ajv({ strict: false });
    assert.ok(ajv.validate(schema, configuration), `${name}: ${ajv.errorsText()}`);
  }
});

/** The definitions of the kinds that the examples use, as these projects publish them. */
async function definitions(): Promise<readonly KubernetesObject[] | undefined> {
  const api = await goModule("istio.io/api@v1.27.3", "h1:Ek00/+kB0wepYuevSfE0Edh2o5ndEtekmo/Nkx5LIYA=");
  const other = await goModule(
    "github.com/envoyproxy/gateway@v1.9.1",
    "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=",
  );
  if (api === undefined || other === undefined) return undefined;
  const crds = "charts/gateway-helm/charts/crds/crds/generated";
  return [
    join(api, "kubernetes/customresourcedefinitions.gen.yaml"),
    join(other, crds, "gateway.envoyproxy.io_envoyextensionpolicies.yaml"),
  ]
    .flatMap((file) => yamlObjects(readFileSync(file, "utf8")))
    .filter(({ metadata }) => /^(wasmplugins|envoyextensionpolicies)\./.test(metadata.name));
}

const skip = withoutKubernetes();
const found = skip === undefined ? await definitions() : undefined;

describe(
  "the examples for others",
  { skip: skip ?? (found === undefined ? "their definitions are not here" : false) },
  () => {
    test("are what Istio and Envoy Gateway take, field by field", async (t) => {
      const kubernetes = await Kubernetes.start();
      t.after(() => kubernetes.stop());
      await kubernetes.applyCustomResources(...(found ?? []).map((one) => JSON.stringify(one)));
      await kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
      // An unknown field is refused as well.
      await kubernetes.apply(...istio, ...gateway);
      const [plugin] = istio as [KubernetesObject];
      const { status } = await kubernetes.tryApply({
        ...plugin,
        spec: { ...(plugin["spec"] as object), phases: "AUTHZ" },
      });
      assert.ok(status >= 400);
    });
  },
);
