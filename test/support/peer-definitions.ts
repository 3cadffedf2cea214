import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { goModule } from "../../setup/go.mjs";

/** The CustomResourceDefinition of Istio's WasmPlugin, as YAML; undefined where Go cannot get it. */
export async function wasmPluginDefinition(): Promise<string | undefined> {
  const folder = await goModule("istio.io/api@v1.32.0", "h1:37mJvg9I0biYZAEQF+MATs4FNeCpXEIVO3LFpVb6iNM=");
  if (folder === undefined) return undefined;
  const text = readFileSync(join(folder, "kubernetes", "customresourcedefinitions.gen.yaml"), "utf8");
  return parseAllDocuments(text)
    .find((document) => document.getIn(["metadata", "name"]) === "wasmplugins.extensions.istio.io")
    ?.toString();
}

/** That of Envoy Gateway's EnvoyExtensionPolicy. */
export async function envoyExtensionPolicyDefinition(): Promise<string | undefined> {
  const module = "github.com/envoyproxy/gateway@v1.9.1";
  const folder = await goModule(module, "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=");
  if (folder === undefined) return undefined;
  const place = "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_envoyextensionpolicies.yaml";
  return readFileSync(join(folder, place), "utf8");
}
