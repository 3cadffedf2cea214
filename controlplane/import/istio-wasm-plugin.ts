import type { Cursor } from "./cursor.ts";
import type { Imported } from "./index.ts";

const API_VERSION = "meshwright.dev/v1alpha1";

/** Istio runs them in this order, each phase from its highest priority to its lowest, and those without a phase last. */
const phases = ["AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"];

const failurePolicies = { FAIL_CLOSE: "FailClosed", FAIL_OPEN: "FailOpen", FAIL_RELOAD: "FailReload" } as const;

/** The labels by which a selector is taken for the Service of that name, as charts and samples have it. */
const nameLabels = ["app", "app.kubernetes.io/name"];

interface Plugin {
  readonly root: Cursor;
  readonly spec: Cursor;
  readonly name: string;
  readonly namespace: string;
  readonly phase: number;
  readonly priority: number;
}

export function isWasmPlugin(root: Cursor): boolean {
  return root.text("kind") === "WasmPlugin" && root.text("apiVersion")?.startsWith("extensions.istio.io/") === true;
}

/** Translates WasmPlugins of Istio into a WasmModule and FilterPolicies each. */
export function importWasmPlugins(roots: readonly Cursor[]): Imported[] {
  const plugins = roots.flatMap((root) => pluginOf(root) ?? []);
  const sorted = plugins.toSorted((a, b) => a.phase - b.phase || b.priority - a.priority || compare(a.name, b.name));
  return sorted.flatMap((plugin, rank) => importedOf(plugin, rank * 10) ?? []);
}

function pluginOf(root: Cursor): Plugin | undefined {
  if (root.text("apiVersion") !== "extensions.istio.io/v1alpha1")
    root.get("apiVersion")?.report("error", "expected extensions.istio.io/v1alpha1");
  root.only("apiVersion", "kind", "metadata", "spec", "status");
  const metadata = root.get("metadata");
  const spec = root.get("spec");
  if (spec === undefined) {
    root.report("error", "expected a spec");
    return undefined;
  }
  spec.only(
    ...[
      "selector",
      "targetRef",
      "targetRefs",
      "url",
      "sha256",
      "imagePullPolicy",
      "imagePullSecret",
      "verificationKey",
    ],
    ...["pluginConfig", "pluginName", "phase", "priority", "failStrategy", "vmConfig", "match", "type"],
  );
  const phase = phases.indexOf(spec.text("phase") ?? "UNSPECIFIED_PHASE");
  if (phase < 0) spec.get("phase")?.report("error", `expected ${phases.join(", ")}`);
  return {
    ...{ root, spec, phase },
    name: metadata?.text("name") ?? "unnamed",
    namespace: metadata?.text("namespace") ?? "default",
    priority: spec.get("priority")?.integer() ?? 0,
  };
}

function importedOf({ root, spec, name, namespace }: Plugin, order: number): Imported | undefined {
  const type = spec.text("type") ?? "HTTP";
  if (type !== "HTTP" && type !== "UNSPECIFIED_PLUGIN_TYPE") {
    spec.get("type")?.report("loss", "a plugin for TCP connections is left out whole", "write it as an EnvoyPatch");
    return undefined;
  }
  const services = servicesOf(root, spec);
  const module = moduleOf(spec);
  if (services === undefined || module === undefined) return undefined;
  reportRest(spec);
  const directions = directionsOf(spec);
  const policy = (direction: string): object => ({
    apiVersion: API_VERSION,
    kind: "FilterPolicy",
    metadata: { name: directions.length > 1 && direction === "Outbound" ? `${name}-outbound` : name },
    spec: {
      targetRefs: services.map((service) => ({ name: service })),
      ...{ direction, order, module: name },
      // Without it, a FilterPolicy asks for the name of its module.
      rootId: spec.text("pluginName") ?? "",
      failurePolicy: failurePolicyOf(spec),
      ...configurationOf(spec),
    },
  });
  return {
    ...{ name: `${namespace}.${name}`, target: { namespace, services }, filter: "wasm" },
    resources: [
      { apiVersion: API_VERSION, kind: "WasmModule", metadata: { name }, spec: module },
      ...directions.map(policy),
    ],
  };
}

/** Undefined where they cannot be told, which is reported: the plugin is left out then. */
function servicesOf(root: Cursor, spec: Cursor): string[] | undefined {
  const one = spec.get("targetRef");
  const references = [...(one === undefined ? [] : [one]), ...spec.items("targetRefs")];
  const left = (at: Cursor, message: string): string[] | undefined => {
    at.report("loss", `${message}; the plugin is left out whole`, "name Services in targetRefs of the plugin");
    return undefined;
  };
  if (references.length > 0) {
    const others = references.find((reference) => reference.text("kind") !== "Service");
    if (others !== undefined) return left(others, "a FilterPolicy is for Services only");
    return references.map((reference) => reference.only("group", "kind", "name").text("name") ?? "");
  }
  const selector = spec.get("selector")?.only("matchLabels");
  const labels = selector?.entries("matchLabels") ?? [];
  const [first, ...more] = labels;
  if (first === undefined) return left(selector ?? root, "it is for all pods of its namespace");
  const [label, value] = first;
  if (more.length > 0 || !nameLabels.includes(label))
    return left(selector ?? root, "it selects pods by labels, and a FilterPolicy names Services");
  value.report("note", `taken for the Service ${value.string()}, whose pods should have this label`);
  return [value.string()];
}

function moduleOf(spec: Cursor): object | undefined {
  const at = spec.get("url");
  if (at === undefined) {
    spec.report("error", "expected a url");
    return undefined;
  }
  const url = at.string();
  const sha256 = spec.text("sha256");
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    spec.get("sha256")?.report("error", "expected a SHA-256: 64 lower-case hexadecimal digits");
  }
  if (url.startsWith("file://")) {
    at.report("note", "the file has to be where the control plane is, not in the sidecar's container");
    return { file: url.slice("file://".length), ...(sha256 === undefined ? {} : { sha256 }) };
  }
  if (/^https?:\/\//.test(url)) {
    if (sha256 !== undefined) return { url, sha256 };
    at.report(
      "loss",
      "a module from a URL needs the sha256 of what is there; the plugin is left out whole",
      "add sha256",
    );
    return undefined;
  }
  const image = url.replace(/^oci:\/\//, "");
  const secret = spec.text("imagePullSecret");
  return {
    // Of an image, Istio's sha256 is the digest.
    image: sha256 === undefined || image.includes("@sha256:") ? image : `${image}@sha256:${sha256}`,
    ...(secret === undefined ? {} : { imagePullSecrets: [{ name: secret }] }),
  };
}

function directionsOf(spec: Cursor): readonly string[] {
  const matches = spec.items("match");
  const directions = new Set<string>();
  for (const match of matches) {
    match.only("mode", "ports");
    const mode = match.text("mode") ?? "UNDEFINED";
    if (mode !== "CLIENT") directions.add("Inbound");
    if (mode !== "SERVER") directions.add("Outbound");
    if (!["UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"].includes(mode))
      match.get("mode")?.report("error", "expected CLIENT, SERVER or CLIENT_AND_SERVER");
    match.get("ports")?.report("loss", "ports are not told apart; the filter runs for all of them");
  }
  return matches.length === 0 ? ["Inbound", "Outbound"] : [...directions].sort();
}

function failurePolicyOf(spec: Cursor): string {
  const strategy = spec.text("failStrategy") ?? "FAIL_CLOSE";
  const known = Object.entries(failurePolicies).find(([name]) => name === strategy);
  if (known === undefined) {
    spec.get("failStrategy")?.report("error", `expected ${Object.keys(failurePolicies).join(", ")}`);
  }
  return known?.[1] ?? failurePolicies.FAIL_CLOSE;
}

function configurationOf(spec: Cursor): { configuration?: unknown } {
  const at = spec.get("pluginConfig");
  if (at === undefined) return {};
  if (!at.isMap) at.report("error", "expected a map");
  return { configuration: at.value };
}

/** What has no place in a FilterPolicy. */
function reportRest(spec: Cursor): void {
  const environment = spec.get("vmConfig")?.only("env").get("env");
  environment?.report("loss", "filters are given no environment variables", "put them into the configuration");
  spec.get("verificationKey")?.report("loss", "the key is the control plane's", "see serve --module-keys");
  const pull = spec.get("imagePullPolicy");
  if (pull?.value === "Always") {
    pull.report("note", "an image is pinned to the module that it held first, so that all sidecars have the same one");
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
