// The manifests, applied to a real API server: what they make is accepted, may do what it has to, and leaves nothing behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
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
      ["update", "leases.coordination.k8s.io", false, SYSTEM],
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
    // While the webhooks are there and nobody answers, no pod of a namespace with the label starts; so the label goes first.
    const label = (value: string | null): Promise<unknown> =>
      kubernetes.request(
        "PATCH",
        "/api/v1/namespaces/default",
        { metadata: { labels: { "meshwright.dev/injection": value } } },
        "application/merge-patch+json",
      );
    await label("enabled");
    const refused = await createPod({ metadata: { name: "early" }, spec: app }, "default");
    assert.match(refused.body.message ?? "", /failed calling webhook "namespace.inject.meshwright.dev"/);
    await label(null);
    const taken = await createPod({ metadata: { name: "early" }, spec: app }, "default");
    assert.equal(taken.status, 201, taken.body.message);
    // As helm does it, and kubectl delete -f: the webhooks go too, or no pod could start any more.
    for (const object of manifests.toReversed()) if (object.kind !== "Namespace") await kubernetes.delete(object);
    for (const definition of crds.flatMap(yamlObjects)) await kubernetes.delete(definition);
    await until(async () => (await kubernetes.request("GET", "/apis/meshwright.dev/v1alpha1")).status === 404, 30_000);
    assert.deepEqual(
      (await everything()).filter((id) => id.includes("meshwright")),
      [
        // The namespace is removed last, with what users have put there, and what the tests above have.
        `Namespace ${SYSTEM}`,
        // Deleted: it is Kubernetes' own controller, of which there is none here, that lets it go.
        `PersistentVolumeClaim ${SYSTEM}/meshwright-state kubernetes.io/pvc-protection`,
        ...["app", "control-plane"].map((name) => `Pod ${SYSTEM}/${name}`),
      ],
    );
    const { status, body } = await kubernetes.request("POST", "/api/v1/namespaces/default/pods", {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "later", labels: { "meshwright.dev/inject": "true" } } },
      spec: app,
    });
    assert.equal(status, 201, body.message);
  });

  const app = { containers: [{ name: "app", image: "app" }] };

  function createPod(pod: object, namespace = SYSTEM): ReturnType<Kubernetes["request"]> {
    const body = { apiVersion: "v1", kind: "Pod", ...pod };
    return kubernetes.request("POST", `/api/v1/namespaces/${namespace}/pods`, body);
  }

  /** All objects of all kinds that the API has, with their finalizers where they have some. */
  async function everything(): Promise<string[]> {
    const { body } = await kubernetes.request("GET", "/apis");
    const groups = body["groups"] as { preferredVersion: { groupVersion: string } }[];
    const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
    const found: string[] = [];
    for (const root of roots) {
      const { body } = await kubernetes.request("GET", root);
      // A group that is gone may still be in the list.
      const { resources = [] } = body as { resources?: { name: string; kind: string; verbs: string[] }[] };
      for (const { name, kind, verbs } of resources) {
        if (!verbs.includes("list")) continue;
        const { items = [] } = (await kubernetes.request("GET", `${root}/${name}`)).body;
        for (const { metadata } of items) {
          const finalizers = (metadata["finalizers"] as string[] | undefined) ?? [];
          const id = [metadata.namespace, metadata.name].filter((part) => part !== undefined).join("/");
          found.push([kind, id, ...finalizers].join(" "));
        }
      }
    }
    return found.sort();
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
  const chart = join(root, "deploy/chart");

  test("with its own values is what the manifests are", () => {
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
    const linted = spawnSync(helm, ["lint", "--strict", chart], { encoding: "utf8" });
    assert.equal(linted.status, 0, linted.stdout);
    const several = spawnSync(helm, ["template", "x", chart, "--set", "replicas=2", ...version], {
      encoding: "utf8",
    });
    assert.match(several.stderr, /replicas: several need store/);
  });

  test("several replicas have their state in the store, and none on a volume", () => {
    const values = ["replicas=3", "store=etcds://etcd:2379/mesh", "storeSecret=etcd", "storeClientCertificate=true"];
    const sets = values.flatMap((value) => ["--set", value]);
    const { stdout, stderr } = spawnSync(helm, ["template", "x", chart, "-n", SYSTEM, ...sets, ...version], {
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    const objects = yamlObjects(stdout);
    assert.ok(!objects.some(({ kind }) => kind === "PersistentVolumeClaim"));
    const { spec } = objects.find(({ kind }) => kind === "Deployment") as unknown as { spec: DeploymentSpec };
    const { containers, volumes } = spec.template.spec;
    assert.deepEqual([spec.replicas, spec.strategy.type], [3, "RollingUpdate"]);
    assert.deepEqual(
      containers[0]?.args.filter((arg) => arg.startsWith("--store")),
      [
        "--store=etcds://etcd:2379/mesh",
        "--store-ca=/etc/meshwright/store/ca.crt",
        "--store-cert=/etc/meshwright/store/tls.crt",
        "--store-key=/etc/meshwright/store/tls.key",
      ],
    );
    const sources = Object.fromEntries(volumes.map(({ name, ...source }) => [name, source]));
    assert.deepEqual(sources["state"], { emptyDir: {} });
    assert.deepEqual(sources["store"], { secret: { secretName: "etcd", defaultMode: 288 } });
    assert.match(JSON.stringify(containers[0]), /"secretKeyRef":\{"name":"etcd","key":"user","optional":true\}/);
  });
});

interface DeploymentSpec {
  readonly replicas: number;
  readonly strategy: { readonly type: string };
  readonly template: {
    readonly spec: {
      readonly containers: readonly { readonly args: readonly string[] }[];
      readonly volumes: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[];
    };
  };
}
