// The admission webhooks, called by a real API server.
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, describe, test } from "node:test";
import { Kubernetes, withoutKubernetes, type KubernetesObject } from "../support/kubernetes.ts";
import { service } from "../support/kubernetes-objects.ts";
import { Mesh } from "../support/mesh.ts";
import { freePorts } from "../support/ports.ts";
import { probeModule } from "../support/probe.ts";
import { until } from "../support/until.ts";

const skip = withoutKubernetes();
const CONFIGURATION = "meshwright";

describe("admission webhooks", { skip }, () => {
  let kubernetes: Kubernetes;
  let mesh: Mesh;
  let port = 0;

  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyDefinitions();
    [port = 0] = await freePorts(1);
    mesh = await Mesh.create({
      source: "applied",
      serve: [
        ...["--kubernetes", "--kubeconfig", kubernetes.kubeconfig, "--pre-checks", "off"],
        ...["--admission", `127.0.0.1:${String(port)}`],
      ],
    });
    await mesh.startControlPlane();
    for (const [name, labels] of [
      ["shop", { "meshwright.dev/injection": "enabled" }],
      ["other", {}],
    ] as const)
      await kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
    await kubernetes.apply(...webhooks(port));
    await until(async () => {
      const { webhooks: list } = await kubernetes.get(webhooks(port)[1] as KubernetesObject);
      return (list as { clientConfig: { caBundle?: string } }[])[0]?.clientConfig.caBundle !== undefined;
    }, 60_000);
  });

  after(async () => {
    await mesh.stop();
    await kubernetes.stop();
  });

  test("pods get a sidecar where their namespace or they themselves ask for one", async () => {
    const table: [namespace: string, metadata: object, hasSidecar: boolean][] = [
      ["shop", {}, true],
      ["shop", { labels: { "meshwright.dev/inject": "false" } }, false],
      ["shop", { annotations: { "meshwright.dev/inject": "false" } }, false],
      ["other", {}, false],
      ["other", { labels: { "meshwright.dev/inject": "true" } }, true],
    ];
    for (const [i, [namespace, metadata, hasSidecar]] of table.entries()) {
      const made = await create(namespace, `pod-${String(i)}`, metadata);
      assert.equal(made.status, 201, made.body.message);
      const { initContainers = [] } = made.body["spec"] as { initContainers?: { name: string }[] };
      assert.equal(initContainers[0]?.name, hasSidecar ? "meshwright" : undefined, JSON.stringify(metadata));
      assert.equal(made.body.metadata.annotations?.["meshwright.dev/injected"], hasSidecar ? "true" : undefined);
    }
  });

  test("a pod that asks for what cannot be is refused with the reason", async () => {
    const { status, body } = await create("shop", "odd", { annotations: { "meshwright.dev/inject": "perhaps" } });
    assert.equal(status, 422);
    assert.match(body.message ?? "", /the pod cannot get a sidecar: .*expected true or false, found "perhaps"/);
  });

  test("a resource is checked with all others", async () => {
    await kubernetes.apply(service("shop", "web", { port: 80 }), {
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "modules", namespace: "shop" } },
      binaryData: { "probe.wasm": Buffer.from(await probeModule()).toString("base64") },
    });
    // Two resources that only together are good may come one after the other.
    const policy = (configuration: object): KubernetesObject => ({
      ...{
        apiVersion: "meshwright.dev/v1alpha1",
        kind: "FilterPolicy",
        metadata: { name: "probe", namespace: "shop" },
      },
      spec: { targetRefs: [{ kind: "Service", name: "web" }], module: "probe", configuration },
    });
    assert.equal((await kubernetes.tryApply(policy({ mark: "one" }))).status, 201);
    const wasm = (file: string): KubernetesObject => ({
      ...{ apiVersion: "meshwright.dev/v1alpha1", kind: "WasmModule", metadata: { name: "probe", namespace: "shop" } },
      spec: { file },
    });
    const absent = await kubernetes.tryApply(wasm("modules/none.wasm"));
    assert.equal(absent.status, 422);
    assert.match(absent.body.message ?? "", /spec\.file: /);
    assert.equal((await kubernetes.tryApply(wasm("modules/probe.wasm"))).status, 201);
    // The filter itself refuses its configuration.
    await until(async () => (await kubernetes.tryApply(policy({ mark: 1, refuse: true }))).status === 422, 20_000);
    const refused = await kubernetes.tryApply(policy({ refuse: true }));
    assert.match(refused.body.message ?? "", /configuration/);
    assert.equal((await kubernetes.tryApply(policy({ mark: "two" }))).status, 200);
  });

  test("what replaces the certificates is put right", async () => {
    const [, configuration] = webhooks(port);
    await kubernetes.delete(configuration as KubernetesObject);
    await kubernetes.apply(configuration as KubernetesObject);
    // Looked at every five seconds.
    await until(async () => {
      const { webhooks: list } = await kubernetes.get(configuration as KubernetesObject);
      return (list as { clientConfig: { caBundle?: string } }[])[0]?.clientConfig.caBundle !== undefined;
    }, 60_000);
  });

  test("hostile requests are refused, and nothing comes of them", async () => {
    const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
    const asked = { uid: "1", operation: "CREATE", namespace: "shop", kind: { kind: "Pod" } };
    const table: [path: string, body: string | Buffer, status: number, type?: string][] = [
      ["/inject", "{", 400],
      ["/inject", "[]", 400],
      ["/inject", JSON.stringify({ ...review, request: null }), 400],
      ["/inject", JSON.stringify({ ...review, apiVersion: "admission.k8s.io/v1beta1", request: asked }), 400],
      ["/inject", JSON.stringify({ ...review, request: { ...asked, uid: { a: 1 } } }), 400],
      ["/inject", Buffer.alloc(5 * 1024 * 1024, 32), 413],
      ["/inject", "{}", 415, "text/plain"],
      ["/__proto__", "{}", 404],
      ["//", "{}", 404],
      ["/api/v1/status", "{}", 404],
    ];
    for (const [path, body, status, type] of table)
      assert.equal((await post(path, body, type)).status, status, `${path} ${String(body).slice(0, 60)}`);
    // A pod that no API server would send.
    for (const object of [null, [], {}, { spec: { containers: [{}] } }, { spec: { containers: [{ name: 1 }] } }]) {
      const answer = await post("/inject", JSON.stringify({ ...review, request: { ...asked, object } }));
      assert.equal(answer.status, 200);
      const { response } = JSON.parse(answer.body) as { response: { allowed: boolean; status: { message: string } } };
      assert.equal(response.allowed, false);
      assert.match(response.status.message, /expected/);
    }
  });

  function create(namespace: string, name: string, metadata: object): ReturnType<Kubernetes["request"]> {
    return kubernetes.request("POST", `/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, ...metadata },
      spec: { serviceAccountName: "default", containers: [{ name: "app", image: "app" }] },
    });
  }

  function post(
    path: string,
    body: string | Buffer,
    type = "application/json",
  ): Promise<{ readonly status: number; readonly body: string }> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": type };
      // Who it is was shown to the API server above.
      const sent = request(
        { host: "127.0.0.1", port, path, method: "POST", headers, rejectUnauthorized: false },
        (r) => {
          const chunks: Buffer[] = [];
          r.on("data", (chunk: Buffer) => chunks.push(chunk));
          r.on("end", () => resolve({ status: r.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }
});

/** As the chart has them, but by an address. */
function webhooks(port: number): KubernetesObject[] {
  const shared = { sideEffects: "None", admissionReviewVersions: ["v1"], timeoutSeconds: 10 };
  const at = (path: string): object => ({ url: `https://127.0.0.1:${String(port)}${path}` });
  const pods = [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "Namespaced" },
  ];
  const api = "admissionregistration.k8s.io/v1";
  return [
    {
      ...{ apiVersion: api, kind: "ValidatingWebhookConfiguration", metadata: { name: CONFIGURATION } },
      webhooks: [
        {
          ...{ ...shared, name: "validate.meshwright.dev", clientConfig: at("/validate"), failurePolicy: "Ignore" },
          rules: [
            {
              ...{ apiGroups: ["meshwright.dev"], apiVersions: ["v1alpha1"], resources: ["*"], scope: "Namespaced" },
              operations: ["CREATE", "UPDATE"],
            },
          ],
        },
      ],
    },
    {
      ...{ apiVersion: api, kind: "MutatingWebhookConfiguration", metadata: { name: CONFIGURATION } },
      webhooks: [
        {
          ...{ ...shared, name: "namespace.inject.meshwright.dev", clientConfig: at("/inject"), failurePolicy: "Fail" },
          namespaceSelector: { matchLabels: { "meshwright.dev/injection": "enabled" } },
          objectSelector: {
            matchExpressions: [{ key: "meshwright.dev/inject", operator: "NotIn", values: ["false"] }],
          },
          rules: pods,
        },
        {
          ...{ ...shared, name: "pod.inject.meshwright.dev", clientConfig: at("/inject"), failurePolicy: "Fail" },
          namespaceSelector: {
            matchExpressions: [{ key: "meshwright.dev/injection", operator: "NotIn", values: ["enabled"] }],
          },
          objectSelector: { matchLabels: { "meshwright.dev/inject": "true" } },
          rules: pods,
        },
      ],
    },
  ];
}
