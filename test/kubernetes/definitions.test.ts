import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../setup/paths.mjs";
import { ownKinds } from "../../controlplane/kubernetes/kinds.ts";
import { globSync } from "../../setup/glob.mjs";
import {
  definitions,
  Kubernetes,
  withoutKubernetes,
  yamlObjects,
  type Answer,
  type KubernetesObject,
} from "../support/kubernetes.ts";

describe("the CustomResourceDefinitions in a real API server", { skip: withoutKubernetes() }, () => {
  let kubernetes: Kubernetes;
  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyDefinitions();
  });
  after(() => kubernetes.stop());

  /** What the API says to an object that it is not to keep. */
  const dryRun = (object: KubernetesObject): Promise<Answer> => {
    const { name } = object.metadata;
    const inNamespace = { ...object, metadata: { ...object.metadata, namespace: "default" } };
    const collection = kubernetes.pathOf(inNamespace).slice(0, -name.length - 1);
    return kubernetes.request("POST", `${collection}?dryRun=All&fieldValidation=Strict`, inNamespace);
  };

  test("structural, and established", async () => {
    for (const object of definitions().flatMap(yamlObjects)) {
      const { status } = await kubernetes.get(object);
      const { conditions } = status as { conditions: { type: string; status: string; message: string }[] };
      assert.deepEqual(
        conditions.filter(({ type, status }) => type === "NonStructuralSchema" && status === "True"),
        [],
      );
    }
  });

  test("take the resources of the documentation as they are", async () => {
    const pages = globSync(["docs"], ".md").map((file) => readFileSync(join(root, file), "utf8"));
    const blocks = pages.flatMap((page) => [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text));
    const files = globSync(["demo", "examples"], ".yaml").map((file) => readFileSync(join(root, file), "utf8"));
    const isOwn = (object: KubernetesObject): boolean =>
      object.apiVersion === "meshwright.dev/v1alpha1" && object.kind in ownKinds;
    const objects = [...blocks, ...files].flatMap(yamlObjects).filter(isOwn);
    const kinds = new Set(objects.map(({ kind }) => kind));
    for (const kind of ["WasmModule", "FilterPolicy", "Quota", "Rollout", "EnvoyPatch", "Telemetry", "Mesh"])
      assert.ok(kinds.has(kind), `the documentation shows no ${kind}`);
    for (const object of objects) {
      const { status, body } = await dryRun(object);
      assert.equal(status, 201, `${object.kind} ${object.metadata.name}: ${body.message ?? ""}`);
    }
  });

  const meshService = (spec: object): KubernetesObject => ({ ...base("MeshService"), spec });

  test("a MeshService has the settings of a Service", async () => {
    const spec = {
      mtls: "Strict",
      port: 8080,
      loadBalancing: { policy: "RingHash", hashPolicies: [{ type: "Header", name: "x-user" }] },
      healthCheck: { type: "HTTP", path: "/healthz" },
      circuitBreakers: { retryBudget: { budgetPercent: 10 } },
      outlierDetection: { consecutive5xx: 5, maxEjectionPercent: 50 },
    };
    const { status, body } = await dryRun(meshService(spec));
    assert.equal(status, 201, body.message);
    const none = await dryRun(meshService({ endpoints: [{ address: "10.0.0.1", port: 80 }] }));
    assert.equal(none.status, 400);
    assert.match(none.body.message ?? "", /unknown field "spec.endpoints"/);
  });

  const patch = (entry: object): KubernetesObject => ({ ...base("EnvoyPatch"), spec: { patches: [entry] } });
  const log = (entry: object): KubernetesObject => ({ ...base("Telemetry"), spec: { accessLogs: [entry] } });

  for (const [what, object, message] of [
    ["a required field", { ...base("FilterPolicy"), spec: { module: "x" } }, /spec.targetRefs: Required value/],
    ["a value that is none of a list", meshService({ mtls: "On" }), /spec.mtls: Unsupported value: "On".*"Strict"/],
    ["a number out of range", meshService({ port: 70_000 }), /spec.port.*less than or equal to 65535/],
    [
      "a field of another type of health check",
      meshService({ healthCheck: { type: "TCP", path: "/" } }),
      /spec.healthCheck: Invalid value.*path: only with type HTTP/,
    ],
    ["what a type needs", meshService({ healthCheck: { type: "HTTP" } }), /path is required with type HTTP/],
    [
      "two fields that exclude each other",
      meshService({ circuitBreakers: { maxRetries: 3, retryBudget: {} } }),
      /maxRetries: not with retryBudget/,
    ],
    [
      "a condition in a list",
      meshService({ loadBalancing: { policy: "Maglev", hashPolicies: [{ type: "SourceIP", name: "x" }] } }),
      /hashPolicies\[0\].*name: not with type SourceIP/,
    ],
    [
      "a text that a type does not allow",
      meshService({ loadBalancing: { policy: "Maglev", hashPolicies: [{ type: "Header", name: "x y" }] } }),
      /name: expected the name of a header or cookie/,
    ],
    [
      "the value of a field within",
      patch({ operation: "InsertFilter", target: { type: "Cluster" }, value: {}, position: { type: "First" } }),
      /target.type: expected HTTPConnectionManager with operation InsertFilter/,
    ],
    [
      "what is not with an operation",
      patch({ operation: "AddResource", target: { type: "Cluster" }, value: {} }),
      /target: not with AddResource/,
    ],
    ["what else needs", log({ type: "OTLP" }), /collector is required without type File/],
    [
      "a duration",
      { ...base("Quota"), spec: { domain: "d", bucket: { a: "b" }, requests: 1, period: "soon" } },
      /spec.period.*in body should match/,
    ],
    [
      "what is none above zero",
      { ...base("Rollout"), spec: { targetRefs: [{ kind: "HTTPRoute", name: "r" }], waves: [{ percentage: 0 }] } },
      /waves\[0\].percentage.*greater than 0/,
    ],
  ] as const) {
    test(`refuse ${what}`, async () => {
      const { status, body } = await dryRun(object);
      assert.equal(status, 422, JSON.stringify(body));
      assert.match(body.message ?? "", message);
    });
  }

  test("kubectl's table has the columns, and kinds have a category and short names", async () => {
    const { body } = await kubernetes.request("GET", "/apis/meshwright.dev/v1alpha1");
    const resources = body["resources"] as { name: string; categories?: string[]; shortNames?: string[] }[];
    for (const { plural } of Object.values(ownKinds)) {
      const resource = resources.find(({ name }) => name === plural);
      assert.deepEqual(resource?.categories, ["meshwright"], plural);
      assert.equal(resource.shortNames?.length, 1);
      assert.ok(resources.some(({ name }) => name === `${plural}/status`));
    }
  });

  test("a change of the status does not change the generation, and a change of the spec does", async () => {
    const policy = {
      ...base("FilterPolicy"),
      metadata: { name: "p", namespace: "default" },
      spec: { targetRefs: [{ name: "s" }], module: "m" },
    };
    await kubernetes.apply(policy);
    const condition = { type: "Accepted", status: "True", reason: "Accepted", message: "" };
    const conditions = [{ ...condition, lastTransitionTime: "2026-01-31T12:00:00Z", observedGeneration: 1 }];
    await kubernetes.apply({ ...policy, status: { conditions } });
    assert.equal((await kubernetes.get(policy)).metadata.generation, 1);
    await kubernetes.apply({ ...policy, spec: { ...policy.spec, order: 2 } });
    const changed = await kubernetes.get(policy);
    assert.equal(changed.metadata.generation, 2);
    assert.deepEqual((changed["status"] as { conditions: unknown }).conditions, conditions);
  });
});

function base(kind: keyof typeof ownKinds): KubernetesObject {
  return { apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name: "example" } };
}
