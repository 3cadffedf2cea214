import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createRegistry, type JsonValue } from "@bufbuild/protobuf";
import { parseAllDocuments } from "yaml";
import { inboundPorts } from "../kubernetes/inbound-ports.ts";
import { keepPod } from "../kubernetes/objects.ts";
import { applyJsonPatch } from "../patches/json-patch.ts";
import { difference, inject, injectFiles, parseSettings, type InjectSettings, type Pod } from "./index.ts";
import { workloadsOf } from "./workloads.ts";

// The files in testdata/golden show what becomes of those in testdata/pods. After a change that is meant, write them anew with
// MESHWRIGHT_GOLDEN=write, and read the difference.

const folder = join(import.meta.dirname, "testdata");
const settings = parseSettings('redirect: { image: "meshwright:1" }', "settings");
const trust = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const pods = readdirSync(join(folder, "pods"));

const read = (name: string): { path: string; text: string } => ({
  path: name,
  text: readFileSync(join(folder, "pods", name), "utf8"),
});
const withSettings = (change: Partial<InjectSettings["sidecar"]>): InjectSettings => ({
  ...settings,
  sidecar: { ...settings.sidecar, ...change },
});
const options = { settings, trust, namespace: "default" };
const injectOptions = { ...options, isWanted: true, services: [] };

test("manifests get their sidecars as written down, the rest of them stays", () => {
  for (const name of pods) {
    const [injected] = injectFiles([read(name)], options);
    assert.ok(injected);
    // The bootstrap has a test of its own, with Envoy.
    const short = injected.text.replace(/'\{"node":(?:[^']|'')*'/g, "(bootstrap)");
    const found = [...injected.notes.map((note) => `# ${note}\n`), short].join("");
    const file = join(folder, "golden", name);
    if (process.env["MESHWRIGHT_GOLDEN"] === "write") writeFileSync(file, found);
    assert.equal(found, existsSync(file) ? readFileSync(file, "utf8") : "", name);
  }
});

test("what has its sidecar is left as it is", () => {
  for (const name of pods) {
    for (const native of [true, false]) {
      const twice = { ...options, settings: withSettings({ native }) };
      const once = injectFiles([read(name)], twice)[0]?.text ?? "";
      assert.equal(injectFiles([{ path: name, text: once }], twice)[0]?.text, once, name);
    }
  }
});

test("documents without pods stay to the letter", () => {
  const { text } = read("kinds.yaml");
  assert.equal(injectFiles([{ path: "kinds.yaml", text }], options)[0]?.text, text);
});

test("the patch makes of each pod what the injection does", () => {
  for (const name of pods) {
    for (const document of parseAllDocuments(read(name).text)) {
      for (const { pod } of workloadsOf(document.toJS())) {
        for (const native of [true, false]) {
          const injection = inject(pod, { ...injectOptions, settings: withSettings({ native }) });
          if (injection.kind === "left") continue;
          const result = patch(pod as unknown as JsonValue, difference(pod, injection.pod));
          assert.deepEqual(result, injection.pod, name);
        }
      }
    }
  }
});

test("a patch turns any JSON into any other", () => {
  const named = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(named, named, (before, after) => {
      const [a, b] = [before, after].map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
      // A member of this name is no case of Kubernetes, and what applies patches here refuses it.
      fc.pre(!JSON.stringify([a, b]).includes("__proto__"));
      assert.deepEqual(patch({ it: a ?? null }, difference({ it: a }, { it: b })), { it: b });
    }),
  );
});

test("an ordinary container stands behind the others and waits while clients go", () => {
  const pod: Pod = { spec: { containers: [{ name: "app" }], terminationGracePeriodSeconds: 8 } };
  const injection = inject(pod, { ...injectOptions, settings: withSettings({ native: false, drainSeconds: 20 }) });
  assert.ok(injection.kind === "injected");
  const [app, sidecar] = injection.pod.spec.containers;
  assert.equal(app?.name, "app");
  assert.equal(injection.pod.spec.initContainers, undefined);
  assert.equal(sidecar?.["restartPolicy"], undefined);
  // Three seconds of eight: five are for the application.
  assert.match(JSON.stringify(sidecar?.["lifecycle"]), /; sleep 3"/);
});

test("a pod that ends is left without native sidecars", () => {
  const pod: Pod = { spec: { containers: [{ name: "job" }], restartPolicy: "Never" } };
  const injection = inject(pod, { ...injectOptions, settings: withSettings({ native: false }) });
  assert.deepEqual(injection.kind === "left" && injection.reason.slice(0, 14), "it is to end (");
});

test("who wants a sidecar", () => {
  const label = (value: string): Pod["metadata"] => ({ labels: { "meshwright.dev/inject": value } });
  const annotation = (value: string): Pod["metadata"] => ({ annotations: { "meshwright.dev/inject": value } });
  const table: [Pod["metadata"], isWanted: boolean, expected: "injected" | "left"][] = [
    [{}, true, "injected"],
    [{}, false, "left"],
    [label("false"), true, "left"],
    [annotation("false"), true, "left"],
    [label("true"), false, "injected"],
    [annotation("true"), false, "injected"],
    // What a namespace's policies can see, its labels, comes first.
    [{ ...label("false"), ...annotation("true") }, false, "left"],
    // Saying so makes no sidecar.
    [{ annotations: { "meshwright.dev/injected": "true" } }, true, "injected"],
  ];
  for (const [metadata, isWanted, expected] of table) {
    const injection = inject({ metadata: metadata ?? {}, spec: { containers: [] } }, { ...injectOptions, isWanted });
    assert.equal(injection.kind, expected, JSON.stringify(metadata));
  }
});

test("the Service is the one that selects the pod, or that it names", () => {
  const services = [
    { name: "web", selector: { app: "web" } },
    { name: "web-canary", selector: { app: "web", track: "canary" } },
    { name: "selectorless", selector: {} },
  ];
  const table: [labels: Record<string, string>, annotations: Record<string, string>, expected: string][] = [
    [{ app: "web" }, {}, "web.shop"],
    [{ app: "web", track: "canary" }, {}, "*"],
    [{ app: "web", track: "canary" }, { "meshwright.dev/service": "web-canary" }, "web-canary.shop"],
    [{ app: "other" }, {}, "*"],
  ];
  for (const [labels, annotations, expected] of table) {
    const pod: Pod = { metadata: { namespace: "shop", labels, annotations }, spec: { containers: [] } };
    const injection = inject(pod, { ...injectOptions, services });
    const args = injection.kind === "injected" ? injection.pod.spec.initContainers?.[0]?.["args"] : undefined;
    assert.ok(Array.isArray(args));
    assert.equal(args[args.indexOf("--service-cluster") + 1], expected);
  }
});

test("each redirected port is led to one of its own, and the control plane takes each there", () => {
  const ports = [3000, 9000, 9100].map((containerPort) => ({ containerPort }));
  const annotations = {
    "meshwright.dev/redirect": "true",
    "meshwright.dev/redirect-inbound-ports": "9000, 3000,9100",
  };
  const injected = inject({ metadata: { annotations }, spec: { containers: [{ name: "app", ports }] } }, injectOptions);
  assert.ok(injected.kind === "injected");
  const [redirector] = injected.pod.spec.initContainers ?? [];
  const rules = Array.from(
    JSON.stringify(redirector).matchAll(/--dport (\d+) -j REDIRECT --to-ports (15(?:006|1\d\d))/g),
  );
  // 9100 would be at 15100 as well, but for 3000.
  const expected = { 9000: 15006, 3000: 15100, 9100: 15101 };
  assert.deepEqual(Object.fromEntries(rules.map(([, from = "", to]) => [from, Number(to)])), expected);
  const { sidecar } = keepPod({ metadata: { name: "a", ...injected.pod.metadata }, spec: {}, status: {} });
  assert.ok(sidecar);
  // The Service names its ports in another order.
  assert.deepEqual(Object.fromEntries(inboundPorts(sidecar, [3000, 9000, 9100])), expected);
  assert.deepEqual(Object.fromEntries(inboundPorts(sidecar, [7000, 9000])), { 7000: 15102, 9000: 15006 });
});

test("pods that ask for what cannot be are refused", () => {
  const annotated = (annotations: Record<string, string>, container: object = {}): Pod => ({
    metadata: { annotations },
    spec: { containers: [{ name: "app", ...container }] },
  });
  const port = { ports: [{ containerPort: 80 }] };
  const on = { "meshwright.dev/redirect": "true" };
  const table: [Pod, RegExp][] = [
    [
      annotated({ "meshwright.dev/inject": "yes" }),
      /annotation meshwright\.dev\/inject: expected true or false, found "yes"/,
    ],
    [annotated({ "meshwright.dev/service": "Web!" }), /expected the name of a Service, found "Web!"/],
    [
      annotated({}, { ports: [{ containerPort: 15006 }] }),
      /container app has the port 15006, which is the sidecar's for inbound/,
    ],
    [annotated({}, { securityContext: { runAsUser: 11337 } }), /container app runs as user 11337/],
    [{ spec: { containers: [], volumes: [{ name: "meshwright-token" }] } }, /a volume meshwright-token of its own/],
    [annotated(on), /which port takes requests cannot be told, since its containers have no TCP port/],
    [annotated(on, { ports: [{ containerPort: 1 }, { containerPort: 2 }] }), /have the ports 1, 2: name it/],
    [
      annotated({ "meshwright.dev/redirect": "1" }, port),
      /meshwright\.dev\/redirect: expected true or false, found "1"/,
    ],
    [
      annotated({ ...on, "meshwright.dev/redirect-outbound-ports": "80;rm" }, port),
      /expected ports such as 80,8080, found "80;rm"/,
    ],
    [
      annotated({ ...on, "meshwright.dev/redirect-outbound-ports": "15001" }, port),
      /15001 is one of the sidecar's own/,
    ],
    [
      annotated(on, { ...port, livenessProbe: { grpc: { port: 80 } } }),
      /livenessProbe of the container app is one by gRPC/,
    ],
    [annotated(on, { ...port, livenessProbe: { httpGet: { port: 80, scheme: "HTTPS" } } }), /one by HTTPS/],
  ];
  for (const [pod, message] of table) assert.throws(() => inject(pod, injectOptions), { name: "PodError", message });
  assert.throws(
    () => inject({ spec: { containers: [] } }, { ...injectOptions, trust: undefined as never }),
    /no certificate/,
  );
});

test("files that are no manifests are refused with their place", () => {
  const table: [text: string, RegExp][] = [
    ["a: b\n---\na: [", /^x\.yaml:3: /],
    ["kind: Pod\napiVersion: v1\n", /^x\.yaml:1: Pod\/unnamed: expected an object$|spec: expected an object/],
    ["{kind: Pod, apiVersion: v1, spec: {containers: [{}]}}", /spec\.containers\[0\]\.name: expected a name/],
    ["{kind: Pod, apiVersion: v1, spec: {containers: {}}}", /spec\.containers: expected a list/],
    [
      "{kind: Pod, apiVersion: v1, metadata: {labels: {a: 1}}, spec: {containers: []}}",
      /labels\["a"\]: expected a string/,
    ],
  ];
  for (const [text, message] of table)
    assert.throws(() => injectFiles([{ path: "x.yaml", text }], options), { name: "InjectFileError", message });
});

test("settings that cannot be used are refused with their place", () => {
  const table: [text: string, RegExp][] = [
    ["sidecar:\n  imagee: x", /^s\.yaml:2:3: sidecar\.imagee: /],
    ["sidecar: { ports: { inbound: 15001 } }", /sidecar\.ports\.outbound: expected a port of its own, found 15001/],
    ["controlPlane: { xds: nowhere }", /controlPlane\.xds: /],
    ["controlPlane: { xds: 'here:70000' }", /expected a port up to 65535, found 70000/],
    ["sidecar: { concurrency: 0 }", /sidecar\.concurrency: /],
    ["{}\n---\n{}", /expected one document/],
  ];
  for (const [text, message] of table)
    assert.throws(() => parseSettings(text, "s.yaml"), { name: "SettingsError", message });
});

function patch(document: JsonValue, operations: ReturnType<typeof difference>): JsonValue {
  const result = applyJsonPatch({ kind: "free" }, document, operations as never, createRegistry());
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}
