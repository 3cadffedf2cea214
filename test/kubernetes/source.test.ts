import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { pino } from "pino";
import { loadMaterials } from "../../controlplane/certificates/index.ts";
import { KubernetesApi, KubernetesSource } from "../../controlplane/kubernetes/index.ts";
import { buildModel, formatProblem, parseResources, type Model } from "../../controlplane/model/index.ts";
import { loadFromSource } from "../../controlplane/source/index.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { gatewayDefinitions } from "../support/gateway-definitions.ts";
import { Kubernetes, withoutKubernetes, type KubernetesObject } from "../support/kubernetes.ts";
import { endpointSlice, pod, service } from "../support/kubernetes-objects.ts";
import { until } from "../support/until.ts";

const gateway = withoutKubernetes() === undefined ? await gatewayDefinitions() : undefined;

describe("a cluster as a source", { skip: withoutKubernetes() }, () => {
  let kubernetes: Kubernetes;
  let source: KubernetesSource | undefined;
  let stop: (() => Promise<void>) | undefined;
  let changes = 0;
  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyDefinitions(gateway);
  });
  afterEach(async () => {
    await stop?.();
    stop = undefined;
  });
  after(() => kubernetes.stop());

  const open = async (namespace?: string, kubeconfig = kubernetes.kubeconfig): Promise<KubernetesSource> => {
    const api = KubernetesApi.open(kubeconfig);
    const opened = new KubernetesSource({
      ...{ api, log: pino({ level: "silent" }), rootNamespace: "meshwright-system" },
      ...(namespace === undefined ? {} : { namespace }),
    });
    changes = 0;
    stop = await opened.watch(() => {
      changes++;
    });
    source = opened;
    return opened;
  };
  const load = async (): Promise<Model> => {
    assert.ok(source);
    const result = await loadFromSource(source);
    assert.ok(result.ok, result.ok ? "" : result.problems.map(formatProblem).join("\n"));
    return result.model;
  };
  /** Waits until the source says something. */
  const untilModel = async (condition: (model: Model) => boolean): Promise<Model> => {
    let model: Model | undefined;
    await until(async () => {
      const result = source && (await loadFromSource(source));
      if (result?.ok === true) model = result.model;
      return model !== undefined && condition(model);
    }, 20_000);
    return model!;
  };
  const namespace = (name: string): Promise<void> =>
    kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const mesh = (kind: string, name: string, space: string, spec: object): KubernetesObject => ({
    apiVersion: "meshwright.dev/v1alpha1",
    kind,
    metadata: { name, namespace: space },
    spec,
  });

  test("makes Services of core Services, EndpointSlices and Pods", async () => {
    await namespace("shop");
    await kubernetes.apply(
      service("shop", "web", { port: 80 }),
      pod("shop", "web-1", "10.1.0.1", { injected: true }),
      pod("shop", "web-2", "10.1.0.2", { injected: true, outboundPort: 16001 }),
      endpointSlice("shop", "web", 8080, [
        { pod: "web-1", address: "10.1.0.1", zone: "a" },
        { pod: "web-2", address: "10.1.0.2", isReady: false },
      ]),
      mesh("MeshService", "web", "shop", { loadBalancing: { policy: "LeastRequest" } }),
    );
    await open("shop");
    const { spec } = (await load()).services.get("web.shop")!;
    assert.equal(spec.port, 80);
    assert.equal(spec.loadBalancing.policy, "LeastRequest");
    assert.deepEqual(spec.hostnames, ["web.shop.svc", "web.shop.svc.cluster.local"]);
    const sidecar = {
      ...{ inboundPort: 15006, outboundPort: 15001, outboundAddress: "127.0.0.1" },
      serviceAccount: { namespace: "shop", name: "default" },
    };
    const endpoint = { port: 8080, weight: 1, priority: 0 };
    assert.deepEqual(spec.endpoints, [
      {
        ...endpoint,
        address: "10.1.0.1",
        locality: { region: "", zone: "a", subZone: "" },
        ready: true,
        sidecar: { ...sidecar, node: "web-1.shop" },
      },
      {
        ...endpoint,
        address: "10.1.0.2",
        ready: false,
        sidecar: { ...sidecar, node: "web-2.shop", outboundPort: 16001 },
      },
    ]);
  });

  test("goes on after the API server was away, and lists again only what it has forgotten", async () => {
    await namespace("restart");
    await kubernetes.apply(service("restart", "one", { port: 80 }));
    const opened = await open("restart");
    await untilModel(({ services }) => services.has("one.restart"));
    const listed = opened.lists;
    await kubernetes.kill();
    // What is known is still there.
    assert.ok((await load()).services.has("one.restart"));
    await kubernetes.begin();
    await kubernetes.apply(service("restart", "two", { port: 80 }));
    await untilModel(({ services }) => services.has("two.restart"));
    await kubernetes.kill();
    await kubernetes.compact();
    await kubernetes.begin();
    await kubernetes.delete(service("restart", "one", { port: 80 }));
    const model = await untilModel(({ services }) => !services.has("one.restart"));
    assert.ok(model.services.has("two.restart"));
    assert.ok(opened.lists >= listed);
  });

  test("a change of one endpoint is work for one Service, and a change of what does not matter is none", async () => {
    await namespace("work");
    for (const name of ["a", "b", "c"]) {
      await kubernetes.apply(
        service("work", name, { port: 80 }),
        pod("work", `${name}-1`, `10.2.0.${String(name.charCodeAt(0))}`, { injected: true }),
        endpointSlice("work", name, 8080, [{ pod: `${name}-1`, address: `10.2.0.${String(name.charCodeAt(0))}` }]),
      );
    }
    const opened = await open("work");
    await untilModel(({ services }) => services.size === 3);
    const { made } = opened.cluster;
    await kubernetes.apply(endpointSlice("work", "b", 8081, [{ pod: "b-1", address: "10.2.0.98" }]));
    await untilModel(({ services }) => services.get("b.work")?.spec.endpoints[0]?.port === 8081);
    assert.equal(opened.cluster.made, made + 1);
    const before = changes;
    const { metadata, ...rest } = pod("work", "b-1", "10.2.0.98", { injected: true });
    await kubernetes.apply({ ...rest, metadata: { ...metadata, labels: { seen: "yes" } } });
    // Comes after that one, and is seen.
    await kubernetes.apply(endpointSlice("work", "b", 8082, [{ pod: "b-1", address: "10.2.0.98" }]));
    await untilModel(({ services }) => services.get("b.work")?.spec.endpoints[0]?.port === 8082);
    assert.equal(opened.cluster.made, made + 2);
    await until(() => changes > before, 10_000);
  });

  test(
    "names of a namespace, modules of a ConfigMap, routes of the Gateway API",
    { skip: gateway === undefined },
    async () => {
      await namespace("names");
      const bytes = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]);
      await kubernetes.apply(
        service("names", "api", { port: 80 }),
        service("names", "v1", { port: 8080, appProtocol: "kubernetes.io/h2c" }),
        pod("names", "api-1", "10.3.0.1", { injected: true }),
        endpointSlice("names", "api", 8080, [{ pod: "api-1", address: "10.3.0.1" }]),
        {
          ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "modules", namespace: "names" } },
          binaryData: { "empty.wasm": bytes.toString("base64") },
        },
        mesh("WasmModule", "empty", "names", { file: "modules/empty.wasm" }),
        mesh("FilterPolicy", "guard", "names", { targetRefs: [{ name: "api" }], module: "empty" }),
        mesh("Telemetry", "logs", "names", { accessLogs: [{ type: "File" }] }),
        mesh("Rollout", "guard", "names", {
          targetRefs: [{ kind: "FilterPolicy", name: "guard" }],
          waves: [{ percentage: 10, selector: { services: ["api"] } }, { percentage: 100 }],
        }),
        {
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          metadata: { name: "api", namespace: "names" },
          spec: {
            parentRefs: [{ group: "", kind: "Service", name: "api" }],
            rules: [{ backendRefs: [{ name: "v1", port: 8080 }] }],
          },
        },
        {
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          metadata: { name: "edge", namespace: "names" },
          spec: { parentRefs: [{ name: "a-gateway" }] },
        },
      );
      const opened = await open("names");
      const model = await load();
      assert.deepEqual([...model.httpRoutes.keys()], ["api.names"]);
      const route = model.httpRoutes.get("api.names")!.spec;
      assert.deepEqual(
        route.parentRefs.map(({ name }) => name),
        ["api.names"],
      );
      assert.deepEqual(
        route.rules[0]?.backendRefs.map(({ name, port }) => [name, port]),
        [["v1.names", 8080]],
      );
      assert.equal(model.services.get("v1.names")?.spec.protocol, "HTTP2");
      const policy = model.filterPolicies.get("guard.names")!.spec;
      assert.deepEqual([policy.module, policy.targetRefs.map(({ name }) => name)], ["empty.names", ["api.names"]]);
      const rollout = model.rollouts.get("guard.names")!.spec;
      assert.deepEqual(rollout.targetRefs, [{ kind: "FilterPolicy", name: "guard.names" }]);
      assert.deepEqual(rollout.waves[0]?.selector?.services, ["api.names"]);
      // What names no Services is for all of its namespace, and not for those of others.
      assert.deepEqual(
        model.telemetries.get("logs.names")?.spec.targetRefs?.map(({ name }) => name),
        ["api.names", "v1.names"],
      );
      const { filePath } = model.wasmModules.get("empty.names")!;
      assert.deepEqual([...(await opened.read(filePath!))], [...bytes]);

      const other = Buffer.from("other").toString("base64");
      const seen = changes;
      await kubernetes.apply({
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "modules", namespace: "names" } },
        binaryData: { "empty.wasm": other },
      });
      await until(() => changes > seen, 10_000);
      await until(async () => Buffer.from(await opened.read(filePath!)).toString() === "other", 10_000);
    },
  );

  test("a Certificate is in Secrets that a Role names, is renewed with them, and holds up nothing where it may not be read", async () => {
    const authority = await CertificateAuthority.create("an authority");
    const folder = mkdtempSync(join(tmpdir(), "meshwright-secrets-"));
    try {
      await namespace("secrets");
      const rbac = "rbac.authorization.k8s.io/v1";
      const meta = (name: string) => ({ metadata: { name, namespace: "secrets" } });
      const secret = (name: string, type: string, data: Readonly<Record<string, string>>): KubernetesObject => ({
        ...{ apiVersion: "v1", kind: "Secret", ...meta(name), type },
        data: Object.fromEntries(
          Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
        ),
      });
      const tls = async (name: string): Promise<KubernetesObject> => {
        const { cert, key } = await authority.issue("/CN=web", ["DNS:web.example"]);
        return secret(name, "kubernetes.io/tls", { "tls.crt": cert, "tls.key": key });
      };
      const role = (resourceNames: string[]): KubernetesObject => ({
        ...{ apiVersion: rbac, kind: "Role", ...meta("certificates") },
        rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames, verbs: ["get", "list", "watch"] }],
      });
      const pairOf = (name: string): object => ({ certFile: `${name}/tls.crt`, keyFile: `${name}/tls.key` });
      await kubernetes.apply(
        { apiVersion: "v1", kind: "ServiceAccount", ...meta("reader") },
        await tls("web-tls"),
        await tls("hidden"),
        secret("authorities", "Opaque", { "ca.crt": authority.cert }),
        role(["web-tls", "authorities"]),
        ...["view", "own"].map((name) => ({
          ...{ apiVersion: rbac, kind: "RoleBinding", ...meta(name) },
          roleRef: {
            apiGroup: "rbac.authorization.k8s.io",
            ...(name === "own" ? { kind: "Role", name: "certificates" } : { kind: "ClusterRole", name: "mesh-view" }),
          },
          subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "secrets" }],
        })),
        {
          ...{ apiVersion: rbac, kind: "ClusterRole", metadata: { name: "mesh-view" } },
          rules: ["", "discovery.k8s.io", "meshwright.dev", "gateway.networking.k8s.io"].map((group) => ({
            apiGroups: [group],
            resources: group === "" ? ["services", "pods"] : ["*"],
            verbs: ["get", "list", "watch"],
          })),
        },
        mesh("Certificate", "web", "secrets", { ...pairOf("web-tls"), caFile: "authorities/ca.crt" }),
        mesh("Certificate", "hidden", "secrets", pairOf("hidden")),
      );
      // Half a pair the API itself refuses.
      const half = await kubernetes.tryApply(mesh("Certificate", "half", "secrets", { certFile: "web-tls/tls.crt" }));
      assert.match(half.body.message ?? "", /keyFile is required with certFile/);

      const { body } = await kubernetes.request("POST", "/api/v1/namespaces/secrets/serviceaccounts/reader/token", {
        ...{ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      });
      const file = join(folder, "kubeconfig");
      writeFileSync(file, JSON.stringify(kubernetes.kubeconfigFor(body["status"] as { token: string })));
      await open("secrets", file);
      const read = async (): Promise<ReturnType<typeof loadMaterials>> => {
        const parsed = parseResources(await source!.list());
        const assets = await source!.readAssets(parsed.references);
        const result = buildModel(parsed, assets);
        assert.ok(result.ok, result.ok ? "" : result.problems.map(formatProblem).join("\n"));
        return loadMaterials(result.model, assets);
      };
      const first = await read();
      const web = first.materials.get("web.secrets");
      assert.ok(web?.pair !== undefined && web.authorities !== undefined);
      assert.match(
        first.problems[0]?.message ?? "",
        /^cannot read kubernetes:secrets\/Secret\/hidden\/tls.crt: .*forbidden/,
      );

      await kubernetes.apply(await tls("web-tls"));
      const isNew = async (): Promise<boolean> =>
        (await read()).materials.get("web.secrets")?.fingerprint !== web.fingerprint;
      await until(async () => changes > 0 && (await isNew()), 20_000);

      await kubernetes.apply(role(["web-tls", "authorities", "hidden"]));
      await until(async () => (await read()).materials.has("hidden.secrets"), 30_000);
      await kubernetes.delete(secret("hidden", "kubernetes.io/tls", {}));
      await until(async () => (await read()).problems[0]?.missing === "Secret secrets/hidden", 20_000);
    } finally {
      authority.remove();
      rmSync(folder, { recursive: true });
    }
  });

  test("a pod without a sidecar gets no requests where a filter is to stand before it", async () => {
    await namespace("guarded");
    await kubernetes.apply(
      service("guarded", "api", { port: 80 }),
      pod("guarded", "api-1", "10.4.0.1", { injected: true }),
      pod("guarded", "api-2", "10.4.0.2", {}),
      endpointSlice("guarded", "api", 8080, [
        { pod: "api-1", address: "10.4.0.1" },
        { pod: "api-2", address: "10.4.0.2" },
      ]),
    );
    const opened = await open("guarded");
    const addresses = ({ services }: Model): string[] =>
      services.get("api.guarded")!.spec.endpoints.map(({ address }) => address);
    assert.deepEqual(addresses(await load()), ["10.4.0.1", "10.4.0.2"]);
    await kubernetes.apply(mesh("MeshService", "api", "guarded", { mtls: "Strict" }));
    const model = await untilModel(({ services }) => services.get("api.guarded")?.spec.mtls === "Strict");
    assert.deepEqual(addresses(model), ["10.4.0.1"]);
    assert.deepEqual(opened.cluster.withoutSidecar({ namespace: "guarded", name: "api" }), ["api-2"]);
  });

  test("a route reaches into no other namespace but one that grants it", { skip: gateway === undefined }, async () => {
    await namespace("mine");
    await namespace("yours");
    const grant = (name: string): KubernetesObject => ({
      ...{ apiVersion: "gateway.networking.k8s.io/v1beta1", kind: "ReferenceGrant" },
      metadata: { name: "mine", namespace: "yours" },
      spec: {
        from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "mine" }],
        to: [{ group: "", kind: "Service", name }],
      },
    });
    await kubernetes.apply(
      service("mine", "api", { port: 80 }),
      service("yours", "secret", { port: 80 }),
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "steal", namespace: "mine" },
        spec: {
          parentRefs: [{ group: "", kind: "Service", name: "api" }],
          rules: [{ backendRefs: [{ name: "secret", namespace: "yours", port: 80 }] }],
        },
      },
      grant("another"),
    );
    await open();
    const backend = ({ httpRoutes }: Model): string | undefined =>
      httpRoutes.get("steal.mine")?.spec.rules[0]?.backendRefs[0]?.name;
    // Nothing has this name: requests are answered with an error.
    const refused = "secret.yours.not-granted";
    const model = await load();
    assert.equal(backend(model), refused);
    assert.ok(!model.services.has(refused));
    await kubernetes.apply(grant("secret"));
    await untilModel((model) => backend(model) === "secret.yours");
    await kubernetes.delete(grant("secret"));
    await untilModel((model) => backend(model) === refused);
  });

  test("endpoints are in the zone of their EndpointSlice and the region of their node", async () => {
    await namespace("places");
    const node = (region: string): KubernetesObject => ({
      ...{ apiVersion: "v1", kind: "Node" },
      metadata: {
        name: "node-1",
        labels: { "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": "eu-1a" },
      },
    });
    await kubernetes.apply(
      node("eu-1"),
      service("places", "api", { port: 80 }),
      endpointSlice("places", "api", 8080, [
        { address: "10.5.0.1", node: "node-1", zone: "eu-1a" },
        { address: "10.5.0.2", node: "node-1" },
        { address: "10.5.0.3", zone: "eu-1b" },
        { address: "10.5.0.4" },
      ]),
    );
    await open("places");
    const places = ({ services }: Model): string[] =>
      services
        .get("api.places")!
        .spec.endpoints.map(({ locality }) => (locality === undefined ? "" : `${locality.region} ${locality.zone}`));
    assert.deepEqual(places(await load()), ["eu-1 eu-1a", "eu-1 eu-1a", " eu-1b", ""]);
    await kubernetes.apply(node("eu-2"));
    await untilModel((model) => places(model)[0] === "eu-2 eu-1a");
  });
});
