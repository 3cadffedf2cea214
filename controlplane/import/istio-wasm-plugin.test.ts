import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stringify } from "yaml";
import { buildModel, formatProblem, parseResources } from "../model/index.ts";
import { formatFinding } from "./finding.ts";
import { importPolicies } from "./index.ts";
import { options } from "./testing.ts";

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const plugin = (spec: string, name = "p"): string =>
  `apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: { name: ${name}, namespace: shop }\nspec:\n${spec.replace(/^/gm, "  ")}\n`;

const web = "selector: { matchLabels: { app: web } }\n";
const image = "url: oci://registry.example:5000/openid/openid:v1\n";

function imported(text: string): { resources: Resource[]; findings: string[] } {
  const result = importPolicies([{ path: "p.yaml", text }], options);
  return {
    resources: result.imported.flatMap((one) => (one.filter === "wasm" ? (one.resources as Resource[]) : [])),
    findings: result.findings.map(formatFinding),
  };
}

/** The WasmModule and the first FilterPolicy of a plugin with this in its spec. */
function parts(spec: string): { module: Resource["spec"]; policy: Resource["spec"]; losses: string[] } {
  const { resources, findings } = imported(plugin(web + spec));
  const [module, policy] = resources;
  assert.ok(module !== undefined && policy !== undefined, findings.join("\n"));
  return { module: module.spec, policy: policy.spec, losses: findings.filter((one) => !one.includes(": note: ")) };
}

describe("WasmPlugins of Istio", () => {
  test("become a module and policies, which the control plane takes", () => {
    // The example of Istio's reference, for a Service.
    const { resources, findings } = imported(
      plugin(
        `${web}url: oci://private-registry:5000/openid-connect/openid:latest
imagePullPolicy: IfNotPresent
imagePullSecret: private-registry-pull-secret
phase: AUTHN
pluginName: openid
pluginConfig:
  openid_server: authn
  openid_realm: ingress
`,
        "openid-connect",
      ),
    );
    const policy = {
      targetRefs: [{ name: "web" }],
      ...{ order: 0, module: "openid-connect", rootId: "openid", failurePolicy: "FailClosed" },
      configuration: { openid_server: "authn", openid_realm: "ingress" },
    };
    const head = { apiVersion: "meshwright.dev/v1alpha1" };
    assert.deepEqual(resources, [
      {
        ...{ ...head, kind: "WasmModule", metadata: { name: "openid-connect" } },
        spec: {
          image: "private-registry:5000/openid-connect/openid:latest",
          imagePullSecrets: [{ name: "private-registry-pull-secret" }],
        },
      },
      {
        ...{ ...head, kind: "FilterPolicy", metadata: { name: "openid-connect" } },
        spec: { ...policy, direction: "Inbound" },
      },
      {
        ...{ ...head, kind: "FilterPolicy", metadata: { name: "openid-connect-outbound" } },
        spec: { ...policy, direction: "Outbound" },
      },
    ]);
    assert.match(findings.join("\n"), /^p\.yaml:\d+:\d+: note: .*taken for the Service web/);
    const service = {
      ...{ ...head, kind: "Service", metadata: { name: "web" } },
      spec: {
        port: 80,
        endpoints: [
          {
            address: "10.0.0.1",
            port: 80,
            sidecar: { node: "web-1", inboundPort: 15006, outboundPort: 15001 },
          },
        ],
      },
    };
    const text = [...resources, service].map((resource) => stringify(resource)).join("---\n");
    const result = buildModel(parseResources([{ path: "out.yaml", text }]), new Map());
    assert.ok(result.ok, result.ok ? "" : result.problems.map(formatProblem).join("\n"));
  });

  test("run in the order of their phases, and of their priorities from high to low", () => {
    const of = (name: string, more: string): string => plugin(`${web}${image}match: [{ mode: SERVER }]\n${more}`, name);
    const { resources } = imported(
      [
        of("last", ""),
        of("stats", "phase: STATS"),
        of("authz-low", "phase: AUTHZ\npriority: -1"),
        of("authz-high", "phase: AUTHZ\npriority: 2147483647"),
        of("authn", "phase: AUTHN"),
      ].join("---\n"),
    );
    const policies = resources.filter(({ kind }) => kind === "FilterPolicy");
    const orders = policies.map(({ metadata, spec }) => [metadata.name, spec["order"]]);
    assert.deepEqual(orders, [
      ["authn", 0],
      ["authz-high", 10],
      ["authz-low", 20],
      ["stats", 30],
      ["last", 40],
    ]);
  });

  const digest = "1ef0c9a92b0420cf25f7fe5d481b231464bc88f486ca3b9c83ed5cc21d2f6210";
  const modules: [spec: string, module: object][] = [
    ["url: registry.example/openid", { image: "registry.example/openid" }],
    [
      `url: oci://registry.example/openid:v1\nsha256: ${digest}`,
      { image: `registry.example/openid:v1@sha256:${digest}` },
    ],
    [`url: https://files.example/a.wasm\nsha256: ${digest}`, { url: "https://files.example/a.wasm", sha256: digest }],
    ["url: file:///opt/filters/openid.wasm", { file: "/opt/filters/openid.wasm" }],
  ];
  for (const [spec, module] of modules) {
    test(`module: ${spec.replace("\n", ", ")}`, () => assert.deepEqual(parts(spec).module, module));
  }

  test("how they fail, and which direction they are for", () => {
    const policies: [spec: string, field: string, value: unknown][] = [
      ["failStrategy: FAIL_OPEN", "failurePolicy", "FailOpen"],
      ["failStrategy: FAIL_RELOAD", "failurePolicy", "FailReload"],
      ["match: [{ mode: CLIENT }]", "direction", "Outbound"],
      ["match: [{ mode: SERVER }]", "direction", "Inbound"],
      ["match: [{ mode: CLIENT_AND_SERVER }]", "direction", "Inbound"],
      ["priority: 3", "rootId", ""],
    ];
    for (const [spec, field, value] of policies) assert.equal(parts(`${image}${spec}`).policy[field], value, spec);
  });

  const losses: [spec: string, message: RegExp][] = [
    [`${web}${image}type: NETWORK`, /plugin for TCP connections is left out whole/],
    [image, /all pods of its namespace; the plugin is left out whole/],
    [`selector: { matchLabels: { tier: front } }\n${image}`, /selects pods by labels/],
    [
      `targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: g }]\n${image}`,
      /for Services only; the plugin/,
    ],
    [`${web}url: http://files.example/a.wasm`, /needs the sha256/],
  ];
  for (const [spec, message] of losses) {
    test(`left out: ${spec.replaceAll("\n", ", ")}`, () => {
      const { resources, findings } = imported(plugin(spec));
      assert.match(findings.join("\n"), message);
      assert.deepEqual(resources, []);
    });
  }

  test("what is lost is said", () => {
    const spec = `${image}match: [{ mode: SERVER, ports: [{ number: 80 }] }]\nvmConfig: { env: [{ name: A, value: b }] }`;
    const { losses: said } = parts(spec);
    assert.equal(said.length, 2);
    assert.match(said[0] ?? "", /loss: spec\.match\[0\]\.ports: ports are not told apart/);
    assert.match(said[1] ?? "", /loss: spec\.vmConfig\.env: filters are given no environment variables/);
  });

  const faults: [spec: string, message: RegExp][] = [
    [web, /error: spec: expected a url/],
    [`${web}${image}phase: LATE`, /spec\.phase: expected AUTHN, AUTHZ, STATS/],
    [`${web}${image}failStrategy: NEVER`, /expected FAIL_CLOSE, FAIL_OPEN, FAIL_RELOAD/],
    [`${web}${image}sha256: abc`, /expected a SHA-256/],
    [`${web}${image}pluginConfg: {}`, /unknown field \(did you mean "pluginConfig"\?\)/],
    [`${web}${image}match: [{ mode: BOTH }]`, /expected CLIENT, SERVER or CLIENT_AND_SERVER/],
  ];
  for (const [spec, message] of faults) {
    test(`fault: ${spec.replaceAll("\n", ", ")}`, () => {
      const { resources, findings } = imported(plugin(spec));
      assert.match(findings.join("\n"), message);
      assert.deepEqual(resources, []);
    });
  }
});
