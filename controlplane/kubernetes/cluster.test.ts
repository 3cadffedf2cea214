import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cluster } from "./cluster.ts";
import { keepPod, keepService, keepSlice, type CustomObject } from "./objects.ts";

/** A cluster with a namespace `n`. */
function clusterOf(...services: object[]): Cluster {
  const cluster = new Cluster("the cluster", "root");
  services.forEach((spec, index) => addService(cluster, `s${String(index)}`, spec));
  return cluster;
}

function addService(cluster: Cluster, name: string, spec: object): void {
  cluster.setService(`n/${name}`, keepService({ metadata: { namespace: "n", name }, spec }), undefined);
}

function addSlice(
  cluster: Cluster,
  service: string,
  ports: object[],
  endpoints: object[],
  key = `n/${service}-x`,
): void {
  const labels = { "kubernetes.io/service-name": service };
  const slice = { metadata: { namespace: "n", name: key, labels }, ports, endpoints };
  cluster.setSlice(key, keepSlice(slice), undefined);
}

/** A pod with a sidecar. */
function addPod(cluster: Cluster, name: string, annotations: Record<string, string> = {}, podIP = "10.0.0.1"): void {
  const all = { "meshwright.dev/injected": "true", ...annotations };
  const status = { phase: "Running", podIP };
  cluster.setPod(`n/${name}`, keepPod({ metadata: { namespace: "n", name, annotations: all }, status }));
}

const ofPod = (name: string, address: string): object => ({ addresses: [address], targetRef: { kind: "Pod", name } });
const custom = (name: string, spec: CustomObject["spec"], namespace = "n"): CustomObject => ({
  metadata: { namespace, name },
  spec,
});

interface Document {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly port: number;
    readonly protocol?: string;
    readonly portOf?: string;
    readonly otherPorts?: readonly object[];
    readonly parentRefs?: readonly { readonly name: string; readonly port?: number }[];
    readonly rules?: readonly { readonly backendRefs: readonly { readonly name: string; readonly port: number }[] }[];
    readonly targetRefs?: readonly { readonly name: string }[];
    readonly endpoints: readonly {
      readonly address: string;
      readonly port: number;
      readonly sidecar?: { readonly node: string; readonly inboundPort: number; readonly outboundPort?: number };
    }[];
  };
}

function documents(cluster: Cluster): Map<string, Document["spec"]> {
  return new Map(
    cluster.files().flatMap(({ text }) =>
      text.split("\n---\n").map((one): [string, Document["spec"]] => {
        const { metadata, spec } = JSON.parse(one) as Document;
        return [metadata.name, spec];
      }),
    ),
  );
}

describe("which port the mesh serves", () => {
  for (const [what, ports, port, protocol] of [
    ["the only one", [{ port: 80 }], 80, undefined],
    [
      "the first",
      [
        { name: "web", port: 80 },
        { name: "metrics", port: 9090 },
      ],
      80,
      undefined,
    ],
    [
      "the first for HTTP",
      [
        { name: "admin", port: 1 },
        { name: "http-web", port: 80 },
      ],
      80,
      undefined,
    ],
    ["one for gRPC, by its name", [{ name: "grpc", port: 9000 }], 9000, "HTTP2"],
    ["one for HTTP/2, by appProtocol", [{ name: "x", port: 9000, appProtocol: "kubernetes.io/h2c" }], 9000, "HTTP2"],
    [
      "none of UDP",
      [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "web", port: 80 },
      ],
      80,
      undefined,
    ],
    ["none for TLS", [{ name: "https", port: 443 }], undefined, undefined],
    [
      "none that says it speaks something else",
      [{ name: "db", port: 5432, appProtocol: "postgresql" }],
      undefined,
      undefined,
    ],
  ] as const) {
    test(what, () => {
      const spec = documents(clusterOf({ ports })).get("s0.n");
      assert.deepEqual([spec?.port, spec?.protocol], [port, protocol]);
    });
  }
});

describe("other ports for HTTP", () => {
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "http-admin", port: 9090, targetPort: "admin" },
    { name: "grpc", port: 9000 },
    { name: "http-old", port: 8080, targetPort: 8080 },
    { name: "metrics", port: 9100 },
    { name: "tcp-raw", port: 9200 },
  ];
  const slicePorts = [
    { name: "http", port: 8080 },
    { name: "http-admin", port: 9091 },
    { name: "grpc", port: 9000 },
  ];

  test("are Services of their own, if they say that they are for it and lead elsewhere", () => {
    const cluster = clusterOf({ ports });
    addSlice(cluster, "s0", slicePorts, [ofPod("a", "10.0.0.2")]);
    const made = documents(cluster);
    assert.deepEqual([...made.keys()], ["s0.n", "s0.9090.n", "s0.9000.n", "s0.9100.n"]);
    assert.deepEqual(made.get("s0.n")?.otherPorts, [
      { port: 9090, service: "s0.9090.n" },
      { port: 9000, service: "s0.9000.n" },
      { port: 9100, service: "s0.9100.n" },
      // There is no such Service: it is not for HTTP, and no request gets to another port instead.
      { port: 9200, service: "s0.9200.n" },
    ]);
    assert.equal(made.get("s0.9090.n")?.portOf, "s0.n");
    assert.deepEqual(made.get("s0.9090.n")?.endpoints, [{ address: "10.0.0.2", port: 9091 }]);
    assert.equal(made.get("s0.9000.n")?.protocol, "HTTP2");
    cluster.setSettings("n/s0", custom("s0", { port: 9090 }));
    assert.deepEqual([...documents(cluster).keys()], ["s0.n", "s0.80.n", "s0.9000.n", "s0.9100.n"]);
    const { otherPorts } = documents(cluster).get("s0.n") ?? {};
    assert.deepEqual(otherPorts?.[3], { port: 8080, service: "s0.80.n" });
  });

  test("are reached by the sidecar, each at a port of its own, and where something is to stand before them by nothing else", () => {
    const cluster = clusterOf({ ports }, { ports });
    addPod(cluster, "a");
    addSlice(cluster, "s0", slicePorts, [ofPod("a", "10.0.0.1"), ofPod("b", "10.0.0.2")]);
    addSlice(cluster, "s1", slicePorts, [ofPod("a", "10.0.0.1"), { addresses: ["10.0.0.1"] }]);
    const endpoints = (name: string): string[] | undefined =>
      documents(cluster)
        .get(name)
        ?.endpoints.map(({ address, port, sidecar }) => `${address}:${String(port)} ${String(sidecar?.inboundPort)}`);
    assert.deepEqual(endpoints("s0.n"), ["10.0.0.1:8080 15006", "10.0.0.2:8080 undefined"]);
    assert.deepEqual(endpoints("s0.9090.n"), ["10.0.0.1:9091 15191", "10.0.0.2:9091 undefined"]);
    assert.deepEqual(endpoints("s0.9000.n"), ["10.0.0.1:9000 15100", "10.0.0.2:9000 undefined"]);
    assert.equal(documents(cluster).get("s0.9000.n")?.endpoints[0]?.sidecar?.outboundPort, undefined);
    assert.deepEqual(endpoints("s1.9090.n"), []);
    const policy = custom("p", { targetRefs: [{ name: "s0" }], module: "m" });
    cluster.setObject("FilterPolicy", "n/p", policy, undefined);
    assert.deepEqual(endpoints("s0.9090.n"), ["10.0.0.1:9091 15191"]);
    assert.deepEqual(cluster.withoutSidecar({ namespace: "n", name: "s0" }), ["b"]);
    cluster.setObject("FilterPolicy", "n/p", undefined, policy);
    for (const settings of [{ mtls: "Permissive" }, { inboundTls: { certificate: "c" } }]) {
      cluster.setSettings("n/s0", custom("s0", settings));
      assert.deepEqual(endpoints("s0.9090.n"), ["10.0.0.1:9091 15191"]);
    }
  });

  test("are protected by a policy for one of them by its number, its name, or that of a port that leads there", () => {
    const cluster = clusterOf({ ports });
    addPod(cluster, "a");
    addSlice(cluster, "s0", slicePorts, [ofPod("a", "10.0.0.1"), ofPod("b", "10.0.0.2")]);
    const open = (ref: object): string[] => {
      const policy = custom("p", { targetRefs: [{ name: "s0", ...ref }], module: "m" });
      cluster.setObject("FilterPolicy", "n/p", policy, undefined);
      const names = [...documents(cluster)].flatMap(([name, spec]) =>
        "endpoints" in spec && spec.endpoints.length === 2 ? name : [],
      );
      cluster.setObject("FilterPolicy", "n/p", undefined, policy);
      return names;
    };
    assert.deepEqual(open({ port: 9090 }), ["s0.n", "s0.9000.n"]);
    assert.deepEqual(open({ sectionName: "grpc" }), ["s0.n", "s0.9090.n"]);
    assert.deepEqual(open({ port: 8080 }), ["s0.9090.n", "s0.9000.n"]);
    const policy = custom("p", { targetRefs: [{ name: "s0", sectionName: "http-old" }], module: "m" });
    cluster.setObject("FilterPolicy", "n/p", policy, undefined);
    assert.deepEqual(documents(cluster).get("p.n")?.targetRefs, [{ name: "s0.n", port: 80 }]);
  });

  test("are not the ports of a sidecar, whatever an EndpointSlice says", () => {
    const cluster = clusterOf({ ports });
    addPod(cluster, "a");
    const toSidecar = slicePorts.map((port) =>
      port.name === "grpc" ? { ...port, port: 15006 } : { ...port, port: 8080 },
    );
    addSlice(cluster, "s0", toSidecar, [ofPod("a", "10.0.0.1")]);
    assert.deepEqual(documents(cluster).get("s0.9000.n")?.endpoints, []);
    // And not that before which the sidecar stands.
    assert.deepEqual(documents(cluster).get("s0.9090.n")?.endpoints, []);
  });

  test("are what routes name by their port or its name, and a parent without a port is all of them", () => {
    const cluster = clusterOf({ ports });
    const parents = (parent: object): string[] | undefined => {
      const parentRefs = [{ group: "", kind: "Service", name: "s0", ...parent }];
      const rules = [9090, 80, 8080].map((port) => ({ backendRefs: [{ name: "s0", port }] }));
      cluster.setObject("HTTPRoute", "n/r", custom("r", { parentRefs, rules }), undefined);
      return documents(cluster)
        .get("r.n")
        ?.parentRefs?.map(({ name, port }) => `${name}${port === undefined ? "" : ` ${String(port)}`}`);
    };
    assert.deepEqual(parents({}), ["s0.n", "s0.9090.n", "s0.9000.n", "s0.9100.n"]);
    assert.deepEqual(parents({ port: 9090 }), ["s0.9090.n 9090"]);
    assert.deepEqual(parents({ sectionName: "grpc" }), ["s0.9000.n"]);
    assert.deepEqual(parents({ port: 80 }), ["s0.n 80"]);
    assert.deepEqual(parents({ port: 8080 }), ["s0.n"]);
    assert.deepEqual(parents({ port: 9200 }), ["s0.n 9200"]);
    const backends = (): string[] | undefined =>
      documents(cluster)
        .get("r.n")
        ?.rules?.flatMap(({ backendRefs }) => backendRefs.map(({ name, port }) => `${name} ${String(port)}`));
    assert.deepEqual(backends(), ["s0.9090.n 9090", "s0.n 80", "s0.n 80"]);
    // What the Service becomes changes its routes.
    const service = (spec: object) => keepService({ metadata: { namespace: "n", name: "s0" }, spec });
    cluster.setService("n/s0", service({ ports: ports.slice(0, 1) }), service({ ports }));
    assert.deepEqual(backends(), ["s0.n 9090", "s0.n 80", "s0.n 8080"]);
  });
});

describe("endpoints", () => {
  test("are those of all slices, on the port of the same name, each once", () => {
    const cluster = clusterOf({
      ports: [
        { name: "web", port: 80 },
        { name: "metrics", port: 9090 },
      ],
    });
    const ports = [
      { name: "metrics", port: 9090 },
      { name: "web", port: 8080 },
    ];
    addSlice(cluster, "s0", ports, [ofPod("a", "10.0.0.2"), ofPod("b", "10.0.0.1")], "n/x");
    addSlice(cluster, "s0", ports, [ofPod("a", "10.0.0.2")], "n/y");
    const endpoints = documents(cluster).get("s0.n")?.endpoints;
    assert.deepEqual(endpoints, [
      { address: "10.0.0.1", port: 8080 },
      { address: "10.0.0.2", port: 8080 },
    ]);
  });

  test("a sidecar belongs to one Service: the one that is written at the pod, else the first that is not headless", () => {
    const ports = [{ port: 80 }];
    const cluster = clusterOf({ ports, clusterIP: "None" }, { ports }, { ports });
    for (const name of ["s0", "s1", "s2"]) addSlice(cluster, name, [{ port: 8080 }], [ofPod("a", "10.0.0.1")]);
    addPod(cluster, "a");
    const owners = (): string[] =>
      [...documents(cluster)].filter(([, { endpoints }]) => endpoints.length > 0).map(([name]) => name);
    assert.deepEqual(owners(), ["s1.n"]);
    assert.equal(documents(cluster).get("s1.n")?.endpoints[0]?.sidecar?.node, "a.n");
    addPod(cluster, "a", { "meshwright.dev/service": "s2" });
    assert.deepEqual(owners(), ["s2.n"]);
    // A Service that comes later can be the one to which it belongs, when none was written.
    addPod(cluster, "a");
    addService(cluster, "a0", { ports });
    addSlice(cluster, "a0", [{ port: 8080 }], [ofPod("a", "10.0.0.1")]);
    assert.deepEqual(owners(), ["a0.n"]);
  });

  test("that anybody writes lead past no sidecar: neither without its pod, nor with the name of another", () => {
    const cluster = clusterOf({ ports: [{ port: 80 }] }, { ports: [{ port: 80 }] });
    addSlice(cluster, "s0", [{ port: 8080 }], [ofPod("victim", "10.0.0.1")]);
    addPod(cluster, "victim");
    addSlice(
      cluster,
      "s1",
      [{ port: 8080 }],
      [{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.9"] }, ofPod("own", "10.0.0.1")],
    );
    addPod(cluster, "own", {}, "10.0.0.2");
    const addresses = (): string[] | undefined =>
      documents(cluster)
        .get("s1.n")
        ?.endpoints.map(({ address }) => address);
    assert.deepEqual(addresses(), ["10.0.0.9"]);
    assert.equal(documents(cluster).get("s0.n")?.endpoints[0]?.sidecar?.node, "victim.n");
    // The address is free again when the pod is gone, and nobody's when it has ended.
    cluster.setPod("n/victim", undefined);
    assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.9"]);
  });

  test("of a Service outside of the cluster, its host", () => {
    const cluster = clusterOf({ type: "ExternalName", externalName: "api.example.com.", ports: [{ port: 80 }] });
    assert.deepEqual(documents(cluster).get("s0.n")?.endpoints, [{ address: "api.example.com", port: 80 }]);
  });

  test("without a sidecar none is left where a FilterPolicy stands before it, and the others come back without it", () => {
    const cluster = clusterOf({ ports: [{ port: 80 }] });
    addSlice(cluster, "s0", [{ port: 8080 }], [ofPod("a", "10.0.0.1"), ofPod("b", "10.0.0.2")]);
    addPod(cluster, "a");
    const addresses = (): string[] | undefined =>
      documents(cluster)
        .get("s0.n")
        ?.endpoints.map(({ address }) => address);
    assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.2"]);
    const policy = custom("p", { targetRefs: [{ name: "s0" }], module: "m" });
    cluster.setObject("FilterPolicy", "n/p", policy, undefined);
    assert.deepEqual(addresses(), ["10.0.0.1"]);
    assert.deepEqual(cluster.withoutSidecar({ namespace: "n", name: "s0" }), ["b"]);
    cluster.setObject("FilterPolicy", "n/p", undefined, policy);
    assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.2"]);
  });
});

describe("a FilterPolicy", () => {
  test("names what is in its namespace; its root id is the name that the module has there", () => {
    const cluster = clusterOf();
    const spec = { targetRefs: [{ name: "s" }, { name: "t", namespace: "other" }], module: "m" };
    cluster.setObject("FilterPolicy", "n/p", custom("p", spec), undefined);
    assert.deepEqual(documents(cluster).get("p.n"), {
      rootId: "m",
      targetRefs: [{ name: "s.n" }, { namespace: "other", name: "t.n" }],
      module: "m.n",
    });
  });
});

describe("a Mesh", () => {
  test("counts in the namespace of the control plane only, where it has no namespace in its name", () => {
    const cluster = clusterOf({ ports: [{ port: 80 }] });
    addSlice(cluster, "s0", [{ port: 8080 }], [ofPod("a", "10.0.0.1")]);
    const mesh = { services: { mtls: "Strict" } };
    cluster.setObject("Mesh", "n/default", custom("default", mesh), undefined);
    assert.equal(documents(cluster).has("default.n"), false);
    assert.equal(documents(cluster).get("s0.n")?.endpoints.length, 1);
    cluster.setObject("Mesh", "root/default", custom("default", mesh, "root"), undefined);
    assert.ok(documents(cluster).has("default"));
    // It wants a sidecar before every endpoint, and this one has none.
    assert.deepEqual(documents(cluster).get("s0.n")?.endpoints, []);
  });
});

describe("what names no Services", () => {
  const spec = { accessLogs: [] };

  test("is for those of its namespace, as they come", () => {
    const cluster = clusterOf({ ports: [{ port: 80 }] });
    cluster.setObject("Telemetry", "n/t", custom("t", spec), undefined);
    const targets = (): string[] | undefined =>
      documents(cluster)
        .get("t.n")
        ?.targetRefs?.map(({ name }) => name);
    assert.deepEqual(targets(), ["s0.n"]);
    addService(cluster, "s1", { ports: [{ port: 80 }] });
    assert.deepEqual(targets(), ["s0.n", "s1.n"]);
  });

  test("is for all in the namespace of the control plane only", () => {
    const cluster = clusterOf({ ports: [{ port: 80 }] });
    cluster.setObject("Telemetry", "root/t", custom("t", spec, "root"), undefined);
    assert.equal(documents(cluster).get("t.root")?.targetRefs, undefined);
  });
});
