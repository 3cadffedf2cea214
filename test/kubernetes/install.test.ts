// The manifests, applied to a real API server: what they make is accepted, may do what it has to, and leaves nothing behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { builtHelm } from "../../setup/helm.mjs";
import { root } from "../../setup/paths.mjs";
import { asPod, inject, usualSettings } from "../../controlplane/inject/index.ts";
import {
  definitions,
  Kubernetes,
  withoutKubernetes,
  yamlObjects,
  type KubernetesObject,
} from "../support/kubernetes.ts";

const crds = definitions();
const manifests = yamlObjects(readFileSync(join(root, "deploy/manifests/meshwright.yaml"), "utf8"));
const SYSTEM = "meshwright-system";

describe("installing", { skip: withoutKubernetes() }, () => {
  let kubernetes: Kubernetes;

  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyCustomResources(...crds);
  });

  after(() => kubernetes.stop());

  test("the manifests are applied, at first without effect and then for real", async () => {
    const [namespace, ...others] = manifests;
    await kubernetes.apply(namespace as KubernetesObject);
    for (const object of others) {
      const path = `${kubernetes.pathOf(object)}?fieldManager=test&force=true&fieldValidation=Strict&dryRun=All`;
      const { status, body } = await kubernetes.request("PATCH", path, object, "application/apply-patch+yaml");
      assert.ok(status < 300, `${object.kind}: ${body.message ?? ""}`);
    }
    await kubernetes.apply(...others);
  });

  test("the control plane's pod, and one with a sidecar, are restricted as Pod Security has it", async () => {
    const deployment = manifests.find(({ kind }) => kind === "Deployment") as unknown as {
      spec: { template: { metadata: object; spec: object } };
    };
    const { metadata, spec } = deployment.spec.template;
    const own = await createPod({ metadata: { ...metadata, name: "control-plane" }, spec });
    assert.equal(own.status, 201, own.body.message);

    const app = {
      name: "app",
      image: "app",
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      },
    };
    const pod = { metadata: { name: "app" }, spec: { serviceAccountName: "default", containers: [app] } };
    const options = { settings: usualSettings(), trust: "x", isWanted: true, namespace: SYSTEM, services: [] };
    const injection = inject(asPod(pod, ""), options);
    assert.ok(injection.kind === "injected");
    const injected = await createPod(injection.pod);
    assert.equal(injected.status, 201, injected.body.message);
    // The policy is there: it refuses a pod that is not so.
    assert.equal((await createPod({ ...pod, spec: { containers: [{ name: "app", image: "app" }] } })).status, 403);
  });

  test("it may do what it does, and no more", async () => {
    const table: [verb: string, resource: string, allowed: boolean, namespace?: string][] = [
      ["watch", "services", true],
      ["list", "endpointslices.discovery.k8s.io", true],
      ["watch", "pods", true],
      ["get", "configmaps", true, "shop"],
      ["watch", "nodes", true],
      ["list", "referencegrants.gateway.networking.k8s.io", true],
      ["watch", "filterpolicies.meshwright.dev", true],
      ["patch", "filterpolicies.meshwright.dev/status", true, "shop"],
      ["watch", "httproutes.gateway.networking.k8s.io", true],
      ["patch", "httproutes.gateway.networking.k8s.io/status", true, "shop"],
      ["create", "events", true, "shop"],
      ["create", "tokenreviews.authentication.k8s.io", true],
      ["update", "leases.coordination.k8s.io", true, SYSTEM],
      ["patch", "filterpolicies.meshwright.dev", false, "shop"],
      ["create", "wasmmodules.meshwright.dev", false, "shop"],
      ["get", "secrets", false, "shop"],
      ["list", "secrets", false, SYSTEM],
      ["watch", "secrets", false],
      ["patch", "nodes", false],
      ["create", "pods", false, "shop"],
      ["create", "pods/exec", false, "shop"],
      ["update", "services", false, "shop"],
      ["patch", "configmaps", false, "shop"],
      ["create", "serviceaccounts/token", false, "shop"],
      ["update", "leases.coordination.k8s.io", false, "kube-system"],
      ["patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io", false],
      ["create", "clusterrolebindings.rbac.authorization.k8s.io", false],
      ["impersonate", "users", false],
    ];
    for (const [verb, resource, allowed, namespace] of table) {
      const found = await mayDo(verb, resource, namespace);
      assert.equal(found, allowed, `${verb} ${resource} in ${namespace ?? "the cluster"}`);
    }
    const webhooks = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
    assert.equal(await mayDo("patch", webhooks, undefined, "meshwright"), true);
    assert.equal(await mayDo("patch", webhooks, undefined, "others"), false);
  });

  test("removing it leaves nothing behind", async () => {
    await kubernetes.apply({
      ...{
        apiVersion: "meshwright.dev/v1alpha1",
        kind: "MeshService",
        metadata: { name: "web", namespace: "default" },
      },
      spec: { mtls: "Permissive" },
    });
    // As helm does it, and kubectl delete -f: the webhooks go too, or no pod could start any more.
    for (const object of manifests.toReversed()) if (object.kind !== "Namespace") await kubernetes.delete(object);
    for (const definition of crds.flatMap(yamlObjects)) await kubernetes.delete(definition);
    for (const path of [
      "/apis/meshwright.dev/v1alpha1/meshservices",
      "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    ]) {
      const { status, body } = await kubernetes.request("GET", path);
      const left = (body.items ?? []).filter(({ metadata }) => metadata.name.startsWith("meshwright"));
      assert.deepEqual(status === 404 ? [] : left, [], path);
    }
    const { status, body } = await kubernetes.request("POST", "/api/v1/namespaces/default/pods", {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "later", labels: { "meshwright.dev/inject": "true" } } },
      spec: { containers: [{ name: "app", image: "app" }] },
    });
    assert.equal(status, 201, body.message);
  });

  function createPod(pod: object): ReturnType<Kubernetes["request"]> {
    return kubernetes.request("POST", `/api/v1/namespaces/${SYSTEM}/pods`, { apiVersion: "v1", kind: "Pod", ...pod });
  }

  async function mayDo(verb: string, what: string, namespace?: string, name?: string): Promise<boolean> {
    const [named = "", subresource] = what.split("/");
    const [resource, ...group] = named.split(".");
    const { body } = await kubernetes.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: `system:serviceaccount:${SYSTEM}:meshwright`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${SYSTEM}`, "system:authenticated"],
        resourceAttributes: { verb, resource, group: group.join("."), subresource, namespace, name },
      },
    });
    return (body["status"] as { allowed: boolean }).allowed;
  }
});

// One that was built from its source believes that the cluster is an old one.
const version = ["--kube-version", "1.33.5"];
const helm = builtHelm() ?? "helm";
const withoutHelm = spawnSync(helm, ["version"]).status === 0 ? undefined : "there is no helm";

describe("the chart", { skip: withoutHelm }, () => {
  test("with its own values is what the manifests are", () => {
    const chart = join(root, "deploy/chart");
    const rendered = spawnSync(helm, ["template", "meshwright", chart, "--namespace", SYSTEM, ...version], {
      encoding: "utf8",
    });
    assert.equal(rendered.status, 0, rendered.stderr);
    const byName = (objects: readonly KubernetesObject[]): unknown[] =>
      objects
        .filter(({ kind }) => kind !== "Namespace")
        .map((object) => JSON.parse(JSON.stringify(object).replaceAll('by":"Helm', 'by":"kubectl')) as KubernetesObject)
        .map((object) => ({ ...object, key: `${object.kind} ${object.metadata.name}` }))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
    assert.deepEqual(byName(yamlObjects(rendered.stdout)), byName(manifests));
  });

  test("lints, and wants a store for several replicas", () => {
    const chart = join(root, "deploy/chart");
    const linted = spawnSync(helm, ["lint", "--strict", chart], { encoding: "utf8" });
    assert.equal(linted.status, 0, linted.stdout);
    const several = spawnSync(helm, ["template", "x", chart, "--set", "replicas=2", ...version], {
      encoding: "utf8",
    });
    assert.match(several.stderr, /replicas: several need store/);
  });
});
