import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatProblem, loadModel } from "../model/index.ts";
import { TypeUrl } from "../xds/index.ts";
import { modelOf, resourceJson, snapshotOf, translated } from "./testdata/fixtures.ts";

const head = "apiVersion: meshwright.dev/v1alpha1\n";
const service = (name: string, spec: object): string =>
  `${head}kind: Service\nmetadata: { name: ${name} }\nspec: ${JSON.stringify(spec)}`;
const policy = (name: string, spec: object): string =>
  `${head}kind: FilterPolicy\nmetadata: { name: ${name} }\nspec: ${JSON.stringify({ module: "authz", ...spec })}`;
const module = `${head}kind: WasmModule\nmetadata: { name: authz }\nspec: { file: a.wasm }`;
const sidecar = { node: "w", inboundPort: 15006, outboundPort: 15001 };
const web = {
  port: 80,
  otherPorts: [{ port: 9000, service: "web.9000" }],
  endpoints: [{ address: "10.0.0.1", port: 8080, sidecar }],
};
const grpc = {
  port: 9000,
  portName: "grpc",
  protocol: "HTTP2",
  portOf: "web",
  endpoints: [{ address: "10.0.0.1", port: 9001, sidecar: { node: "w", inboundPort: 15100 } }],
};
const both = [service("web", web), service("web.9000", grpc)];

/** The names of the filters before each inbound listener. */
function filtersOf(...texts: string[]): Record<string, string[]> {
  const { sets } = snapshotOf(translated(modelOf(...both, module, ...texts)), "w");
  return Object.fromEntries(
    [...(sets.get(TypeUrl.listener)?.resources.values() ?? [])].map((one) => [
      one.name,
      [...JSON.stringify(resourceJson(one)).matchAll(/"name":"([\w.-]+)","configDiscovery"/g)].map(
        ([, name]) => name ?? "",
      ),
    ]),
  );
}

function faults(...texts: string[]): string[] {
  const result = loadModel(texts.map((text, index) => ({ path: String(index), text })));
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe("a further port of a Service", () => {
  it("has a listener, routes and an application of its own at the sidecar, which is that of the Service", () => {
    const translation = translated(modelOf(...both));
    const { sets } = snapshotOf(translation, "w");
    const names = (typeUrl: string): string[] => [...(sets.get(typeUrl)?.resources.keys() ?? [])].sort();
    assert.deepEqual(names(TypeUrl.listener), ["inbound", "inbound|web.9000", "outbound"]);
    assert.deepEqual(names(TypeUrl.route), ["inbound|web", "inbound|web.9000", "outbound"]);
    assert.deepEqual(names(TypeUrl.cluster), [
      ...["inbound|web.9000|9000", "inbound|web|80", "outbound|web.9000|9000", "outbound|web|80"],
    ]);
    const endpoints = sets.get(TypeUrl.endpoint)?.resources.get("outbound|web.9000|9000");
    assert.match(JSON.stringify(endpoints && resourceJson(endpoints)), /"10\.0\.0\.1","portValue":15100/);
    assert.equal(translation.sidecars.size, 1);
  });

  it("has the filters of policies for the Service, and those for this port, and no others", () => {
    assert.deepEqual(filtersOf(policy("all", { targetRefs: [{ name: "web" }] })), {
      inbound: ["all"],
      "inbound|web.9000": ["all"],
      outbound: [],
    });
    assert.deepEqual(
      filtersOf(
        policy("first", { targetRefs: [{ name: "web", port: 80 }] }),
        policy("second", { targetRefs: [{ name: "web", sectionName: "grpc" }] }),
        policy("out", { targetRefs: [{ name: "web" }], direction: "Outbound" }),
        policy("two", {
          targetRefs: [
            { name: "web", port: 80 },
            { name: "web", port: 9000 },
          ],
          order: -1,
        }),
      ),
      { inbound: ["two", "first"], "inbound|web.9000": ["two", "second"], outbound: ["out"] },
    );
  });

  it("is what routes name by the Service and its port", () => {
    const route = (name: string, parent: object, host: string, port: number): string =>
      `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec: ${JSON.stringify({
        parentRefs: [{ kind: "Service", name: "web", ...parent }],
        ...(host === "" ? {} : { hostnames: [host] }),
        rules: [{ backendRefs: [{ name: "web", port }] }],
      })}`;
    const hosts = (...routes: string[]): Record<string, string> => {
      const { sets } = snapshotOf(translated(modelOf(...both, ...routes)), "w");
      const found = sets.get(TypeUrl.route)?.resources.get("outbound");
      const { virtualHosts } = (found && resourceJson(found)) as unknown as {
        virtualHosts: { domains: string[]; routes: unknown[] }[];
      };
      return Object.fromEntries(
        virtualHosts.map(({ domains, routes }) => [
          domains.join(" "),
          [...JSON.stringify(routes).matchAll(/"cluster":"outbound\|([^"]+)"/g)].map(([, to]) => to).join(" "),
        ]),
      );
    };
    // Of the first port the route of the other one is the first that is tried, for requests with that port.
    assert.deepEqual(hosts(route("r", { port: 9000 }, "", 80)), {
      web: "web|80 web|80",
      "web.9000": "web|80",
      "*": "",
    });
    const shared = hosts(route("r", {}, "shop.example.com", 9000));
    assert.equal(shared["web shop.example.com"], "web.9000|9000 web.9000|9000");
    assert.equal(shared["web.9000"], "web.9000|9000");
  });

  const faulty: [what: string, texts: string[], expected: RegExp][] = [
    ["of a Service that there is not", [service("web.9000", grpc)], /spec\.portOf: there is no Service "web"/],
    [
      "that the Service does not know",
      [service("web", { ...web, otherPorts: [] }), service("web.9000", grpc)],
      /portOf: expected \{ port: 9000, service: web\.9000 \} in the otherPorts of Service web/,
    ],
    [
      "with a sidecar that the Service does not have",
      [service("web", { ...web, endpoints: [] }), service("web.9000", grpc)],
      /endpoints\[0\]\.sidecar\.node: expected a sidecar of Service web, found w/,
    ],
    [
      "with the inbound port of another",
      [
        service("web", web),
        service("web.9000", {
          ...grpc,
          endpoints: [{ address: "10.0.0.1", port: 9001, sidecar: { node: "w", inboundPort: 15006 } }],
        }),
      ],
      /the listening address 10\.0\.0\.1:15006 is that of Service web/,
    ],
    [
      "that a policy names in place of the Service",
      [...both, module, policy("p", { targetRefs: [{ name: "web.9000" }] })],
      /Service web\.9000 is port 9000 of Service web: expected that one/,
    ],
    [
      "that there is not",
      [...both, module, policy("p", { targetRefs: [{ name: "web", port: 9001 }] })],
      /targetRefs\[0\]\.port: Service web has the ports 80, 9000, found 9001/,
    ],
    [
      "past whose sidecar requests would get",
      [
        service("web", web),
        service("web.9000", { ...grpc, endpoints: [{ address: "10.0.0.2", port: 9001 }] }),
        ...[module, policy("p", { targetRefs: [{ name: "web" }] })],
      ],
      /the filter would not run: endpoints\[0\] of Service web\.9000 has no sidecar/,
    ],
    [
      "from which nothing is called",
      [...both, module, policy("p", { targetRefs: [{ name: "web", port: 80 }], direction: "Outbound" })],
      /targetRefs\[0\]\.port: only with direction Inbound/,
    ],
  ];
  for (const [what, texts, expected] of faulty) {
    it(`is a fault if it is one ${what}`, () => {
      const found = faults(...texts);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", expected);
    });
  }
});
