import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outboundRoutes } from "./route-configurations.ts";
import { modelOf, resourceJson } from "./testdata/fixtures.ts";

const route = (name: string, hostnames: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec: { parentRefs: [{ kind: Service, name: s }], hostnames: ${hostnames} }`;

function hosts(...routes: string[]): Record<string, { domains: string[]; routes: string[] }> {
  return hostsWith("{ port: 80 }", ...routes);
}

/** The same of a Service with this spec. */
function hostsWith(spec: string, ...routes: string[]): Record<string, { domains: string[]; routes: string[] }> {
  const service = `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: s }, spec: ${spec} }`;
  const json = resourceJson(outboundRoutes(modelOf([service, ...routes].join("\n"))));
  const { virtualHosts } = json as unknown as {
    virtualHosts: { name: string; domains: string[]; routes: { name: string }[] }[];
  };
  return Object.fromEntries(
    virtualHosts.map((host) => [host.name, { domains: host.domains, routes: host.routes.map(({ name }) => name) }]),
  );
}

describe("the outbound virtual hosts", () => {
  const unknown = { domains: ["*"], routes: ["unknown"] };

  it("lead to a Service without HTTPRoutes by its name", () => {
    assert.deepEqual(hosts(), { s: { domains: ["s"], routes: ["default"] }, unknown });
  });

  it("are also those that the Service has itself, with all of its routes", () => {
    const spec = "{ port: 80, hostnames: [s.n.svc, s] }";
    assert.deepEqual(hostsWith(spec), { s: { domains: ["s", "s.n.svc"], routes: ["default"] }, unknown });
    assert.deepEqual(hostsWith(spec, route("a", "[s.n.svc]"), route("b", "[b.c]")), {
      s: { domains: ["s", "s.n.svc"], routes: ["a/0/0", "b/0/0"] },
      "s|b.c": { domains: ["b.c"], routes: ["b/0/0"] },
      unknown,
    });
  });

  it("are for the Services of one scope also the local hosts that these have, unless some Service has them for all", () => {
    const service = (name: string, spec: string): string => `---
{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name} }, spec: { port: 80, ${spec} } }`;
    const model = modelOf(
      service("a.n", "local: { scope: n, hostnames: [a, taken] }") +
        "\n" +
        service("a.m", "local: { scope: m, hostnames: [a] }") +
        "\n" +
        service("other", "hostnames: [taken]"),
    );
    const domains = (scope?: string): Record<string, string[]> => {
      const json = resourceJson(outboundRoutes(model, scope)) as unknown as {
        virtualHosts: { name: string; domains: string[] }[];
      };
      return Object.fromEntries(json.virtualHosts.map((host) => [host.name, host.domains]));
    };
    const all = { "a.m": ["a.m"], "a.n": ["a.n"], other: ["other", "taken"], unknown: ["*"] };
    assert.deepEqual(domains(), all);
    assert.deepEqual(domains("n"), { ...all, "a.n": ["a.n", "a"] });
    assert.deepEqual(domains("m"), { ...all, "a.m": ["a.m", "a"] });
    assert.throws(
      () =>
        modelOf(
          service("a", "local: { scope: n, hostnames: [x] }") +
            "\n" +
            service("b", "local: { scope: n, hostnames: [x] }"),
        ),
      /local host/,
    );
  });

  it("share rules between the name and the hostnames where they are the same", () => {
    assert.deepEqual(hosts(route("a", '[b.c, "*.a.c"]'), route("b", "[]")), {
      s: { domains: ["s", "*.a.c", "b.c"], routes: ["a/0/0", "b/0/0"] },
      unknown,
    });
  });

  it("apply an HTTPRoute to its own hostnames only", () => {
    assert.deepEqual(hosts(route("a", "[a.c]"), route("b", "[b.c]"), route("c", "[]")), {
      s: { domains: ["s"], routes: ["a/0/0", "b/0/0", "c/0/0"] },
      "s|a.c": { domains: ["a.c"], routes: ["a/0/0", "c/0/0"] },
      "s|b.c": { domains: ["b.c"], routes: ["b/0/0", "c/0/0"] },
      unknown,
    });
  });

  it("try the routes with the most of a hostname first, and then those whose wildcards cover it", () => {
    assert.deepEqual(hosts(route("a", '["*.c"]'), route("b", '["*.b.c"]'), route("c", "[a.b.c]"), route("d", "[]")), {
      s: { domains: ["s"], routes: ["a/0/0", "b/0/0", "c/0/0", "d/0/0"] },
      "s|*.b.c": { domains: ["*.b.c"], routes: ["b/0/0", "a/0/0", "d/0/0"] },
      "s|*.c": { domains: ["*.c"], routes: ["a/0/0", "d/0/0"] },
      "s|a.b.c": { domains: ["a.b.c"], routes: ["c/0/0", "b/0/0", "a/0/0", "d/0/0"] },
      unknown,
    });
  });

  it("have each domain once, as Envoy wants it, where a hostname is the Service's own name", () => {
    assert.deepEqual(hosts(route("a", "[s]"), route("b", "[]")), {
      s: { domains: ["s"], routes: ["a/0/0", "b/0/0"] },
      unknown,
    });
  });
});
