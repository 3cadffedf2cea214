import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { buildModel, parseResources, resourcesOf } from "../model/index.ts";
import type { Model, Resource } from "../model/index.ts";
import { isolate } from "./isolate.ts";
import type { Candidate, Isolation } from "./isolate.ts";
import { keyOf } from "./isolating.ts";

interface Written {
  readonly kind: "Service" | "HTTPRoute" | "FilterPolicy" | "Quota" | "Mesh";
  readonly name: string;
  /** Tells versions apart. */
  readonly version: number;
  readonly services?: readonly string[];
  /** Of a route; its Service when left out. */
  readonly backend?: string;
  /** In the document itself, or found when the filter is run. */
  readonly fault?: "document" | "filter";
}

function textOf({ kind, name, version, services = [], backend, fault }: Written): string {
  const more = fault === "document" ? ", unknown: 1" : "";
  const [first = "", ...others] = services.map((service) => `{ kind: Service, name: ${service} }`);
  const specs = {
    Service: `{ port: 80, connectTimeout: ${version}s, endpoints: [{ address: 10.0.0.${Number(name.slice(1)) + 1}, port: 80, sidecar: { node: ${name}, inboundPort: 1 } }]${more} }`,
    HTTPRoute: `{ parentRefs: [${first}], hostnames: [${name}.v${version}], rules: [{${backend === undefined ? "" : ` backendRefs: [{ name: ${backend}, port: 80 }] `}}]${more} }`,
    FilterPolicy: `{ targetRefs: [${[first, ...others].join(", ")}], module: m, configuration: { version: ${version}, bad: ${fault === "filter"} }${more} }`,
    Mesh: `{ services: { connectTimeout: ${version}s }${more} }`,
    Quota: `{ domain: ${name}, bucket: { a: b }, requests: ${version}${more} }`,
  };
  const group = kind === "HTTPRoute" ? "gateway.networking.k8s.io/v1" : "meshwright.dev/v1alpha1";
  return `{ apiVersion: ${group}, kind: ${kind}, metadata: { name: ${name} }, spec: ${specs[kind]} }\n`;
}

const module = `{ apiVersion: meshwright.dev/v1alpha1, kind: WasmModule, metadata: { name: m }, spec: { file: m.wasm } }\n`;

const parse = (written: readonly Written[]): ReturnType<typeof parseResources> =>
  parseResources([module, ...written.map(textOf)].map((text, index) => ({ path: `${index}.yaml`, text })));

type Result = { readonly ok: true; readonly value: Model } | { readonly ok: false; readonly problems: never[] };

/** As the pipeline checks: the model, then the filters. */
function check({ resources }: Pick<Candidate, "resources">): Promise<Result> {
  const built = buildModel({ resources, problems: [], references: [], faulty: [], mayExist: () => false });
  if (!built.ok) return Promise.resolve({ ok: false, problems: built.problems as never[] });
  const problems = [...built.model.filterPolicies.values()]
    .filter(({ spec }) => spec.configuration?.["bad"] === true)
    .map(({ origin }) => origin.problem(["spec", "configuration"], "bad"));
  const result = problems.length === 0 ? { ok: true, value: built.model } : { ok: false, problems };
  return Promise.resolve(result as Result);
}

async function modelOf(written: readonly Written[]): Promise<Model> {
  const parsed = parse(written);
  assert.deepEqual(parsed.problems, []);
  const result = await check(parsed);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const isolated = async (
  before: readonly Written[],
  now: readonly Written[],
  isSameModule = true,
): Promise<Isolation<Model>> => {
  const resources = before.length === 0 ? [] : resourcesOf(await modelOf(before));
  return isolate(parse(now), { resources, isSameModule: () => isSameModule }, check);
};

const leftOut = (result: Isolation<Model>): string[] => {
  assert.ok(result.ok);
  return result.held.leftOut.map(({ resource }) => resource);
};

/** What is served, each with the version that it has. */
function served(result: Isolation<Model>): string[] {
  assert.ok(result.ok, JSON.stringify(result));
  return resourcesOf(result.value)
    .filter(({ kind }) => kind !== "WasmModule")
    .map(versioned)
    .sort();
}

function versioned(resource: Resource): string {
  const { kind, spec } = resource;
  const version =
    kind === "Service"
      ? spec.connectTimeout?.slice(0, -1)
      : kind === "HTTPRoute"
        ? spec.hostnames[0]?.split(".v")[1]
        : kind === "FilterPolicy"
          ? JSON.stringify(spec.configuration?.["version"])
          : kind === "Mesh"
            ? spec.services?.connectTimeout?.slice(0, -1)
            : kind === "Quota"
              ? String(spec.requests)
              : "";
  return `${keyOf(resource)} v${version ?? ""}`;
}

const service = (name: string, version: number, fault?: "document"): Written => ({
  kind: "Service",
  name,
  version,
  ...(fault ? { fault } : {}),
});
const policy = (name: string, version: number, services: string[], fault?: "document" | "filter"): Written => ({
  kind: "FilterPolicy",
  name,
  version,
  services,
  ...(fault ? { fault } : {}),
});
const route = (name: string, version: number, parent: string): Written => ({
  kind: "HTTPRoute",
  name,
  version,
  services: [parent],
});

const mesh = (version: number, fault?: "document"): Written => ({
  kind: "Mesh",
  name: "default",
  version,
  ...(fault ? { fault } : {}),
});

describe("a faulty resource", () => {
  it("stays as it was served, and all other changes travel", async () => {
    const before = [service("s0", 1), service("s1", 1), policy("p", 1, ["s0"]), policy("q", 1, ["s1"])];
    const now = [service("s0", 1), service("s1", 2), policy("p", 2, ["s0"], "filter"), policy("q", 2, ["s1"])];
    const result = await isolated(before, now);
    assert.deepEqual(served(result), ["FilterPolicy p v1", "FilterPolicy q v2", "Service s0 v1", "Service s1 v2"]);
    assert.ok(result.ok);
    assert.deepEqual(leftOut(result), []);
    const [kept] = result.held.kept;
    assert.deepEqual([kept?.resource, kept?.with, kept?.fault?.message], ["FilterPolicy p", undefined, "bad"]);
  });

  it("is left out where it was never good, with what cannot stand without it", async () => {
    const result = await isolated(
      [service("s0", 1)],
      [service("s0", 2), service("s1", 1, "document"), route("r", 1, "s1")],
    );
    assert.deepEqual(served(result), ["Service s0 v2"]);
    assert.deepEqual(leftOut(result), ["HTTPRoute r", "Service s1"]);
  });

  for (const fault of ["document", "filter"] as const) {
    it(`that is a FilterPolicy, never good (${fault}), opens no new Service, and no new way into one`, async () => {
      const before = [service("s0", 1)];
      const now = [service("s0", 2), service("s1", 1), route("r", 1, "s0"), policy("p", 1, ["s0", "s1"], fault)];
      assert.deepEqual(served(await isolated(before, now)), ["Service s0 v1"]);
    });

    it(`that takes the place of another FilterPolicy (${fault}) does not take it away`, async () => {
      const before = [service("s0", 1), policy("old", 1, ["s0"])];
      const now = [service("s0", 1), policy("new", 1, ["s0"], fault)];
      assert.deepEqual(served(await isolated(before, now)), ["FilterPolicy old v1", "Service s0 v1"]);
    });

    it(`that is to protect one more Service (${fault}) does not leave it open`, async () => {
      const before = [service("s0", 1), policy("p", 1, ["s0"])];
      const now = [service("s0", 1), service("s1", 1), policy("p", 2, ["s0", "s1"], fault)];
      assert.deepEqual(served(await isolated(before, now)), ["FilterPolicy p v1", "Service s0 v1"]);
    });
  }

  it("that does not say what it is leads to the whole being refused", async () => {
    const parsed = parseResources([
      { path: "a", text: textOf(service("s0", 2)) },
      { path: "b", text: "kind: [" },
    ]);
    const last = { resources: resourcesOf(await modelOf([service("s0", 1)])), isSameModule: () => true };
    const result = await isolate(parsed, last, check);
    assert.equal(result.ok, false);
  });

  it("that is a route with a backend that is missing is the only one that stays", async () => {
    const before = [service("s0", 1), service("s1", 1), route("r", 1, "s0"), route("q", 1, "s0")];
    const now = [service("s0", 2), service("s1", 2), { ...route("r", 2, "s0"), backend: "gone" }, route("q", 2, "s0")];
    const result = await isolated(before, now);
    assert.deepEqual(served(result), ["HTTPRoute q v2", "HTTPRoute r v1", "Service s0 v2", "Service s1 v2"]);
    assert.ok(result.ok);
    assert.match(result.held.kept[0]?.fault?.message ?? "", /there is no Service "gone"/);
  });

  it("that is one for the lack of another keeps that: a Service that a route names does not go", async () => {
    const before = [service("s0", 1), service("s1", 1), route("r", 1, "s0"), policy("p", 1, ["s0"])];
    const result = await isolated(before, [route("r", 1, "s0"), service("s1", 2)]);
    assert.deepEqual(served(result), ["FilterPolicy p v1", "HTTPRoute r v1", "Service s0 v1", "Service s1 v2"]);
  });

  it("that is a Service keeps its FilterPolicies, which may be weaker where the Service is stronger", async () => {
    const before = [service("s0", 1), policy("p", 1, ["s0"])];
    assert.deepEqual(served(await isolated(before, [service("s0", 2, "document")])), [
      "FilterPolicy p v1",
      "Service s0 v1",
    ]);
  });

  it("that is the Mesh keeps all Services with what protects them, and hinders no new one where it is as it was", async () => {
    const before = [mesh(1), service("s0", 1), policy("p", 1, ["s0"])];
    const now = [mesh(2, "document"), service("s0", 2), policy("p", 2, ["s0"]), service("s1", 1)];
    assert.deepEqual(served(await isolated(before, now)), ["FilterPolicy p v1", "Mesh default v1", "Service s0 v1"]);
    const beside = [mesh(1), service("s0", 2, "document"), policy("p", 1, ["s0"]), service("s1", 1)];
    const expected = ["FilterPolicy p v1", "Mesh default v1", "Service s0 v1", "Service s1 v1"];
    assert.deepEqual(served(await isolated(before, beside)), expected);
  });

  it("that is the first Mesh opens no Service that was to have what it says", async () => {
    const before = [service("s0", 1)];
    const now = [service("s0", 2), service("s1", 1), mesh(1, "document")];
    assert.deepEqual(served(await isolated(before, now)), ["Service s0 v1"]);
  });

  it("takes a module with it that changes, and so what else has that module", async () => {
    const before = [service("s0", 1), service("s1", 1), policy("p", 1, ["s0"]), policy("q", 1, ["s1"])];
    const now = [service("s0", 2), service("s1", 1), policy("p", 1, ["s0"]), policy("q", 2, ["s1"], "filter")];
    const all = ["FilterPolicy p v1", "FilterPolicy q v1", "Service s0 v1", "Service s1 v1"];
    assert.deepEqual(served(await isolated(before, now, false)), all);
  });

  it("that names a Service which is not there may be meant for any", async () => {
    const before = [service("s0", 1)];
    const now = [service("s0", 1), service("s1", 1), policy("p", 1, ["s11"])];
    assert.deepEqual(served(await isolated(before, now)), ["Service s0 v1"]);
    assert.deepEqual(served(await isolated([], now)), []);
  });

  describe("where nothing was good before", () => {
    it("is left out with the Service that it protects, and the others are served", async () => {
      const now = [service("s0", 1), service("s1", 1), policy("p", 1, ["s0"], "filter"), policy("q", 1, ["s0", "s1"])];
      const result = await isolated([], now);
      assert.deepEqual(served(result), ["FilterPolicy q v1", "Service s1 v1"]);
      assert.ok(result.ok);
      const s0 = result.held.leftOut.find(({ resource }) => resource === "Service s0");
      assert.deepEqual([s0?.with, s0?.fault?.message], ["FilterPolicy p", "bad"]);
    });

    it("is left out where it is a Service, and what protects others too protects them", async () => {
      const now = [service("s0", 1, "document"), service("s1", 1), policy("p", 1, ["s0", "s1"])];
      assert.deepEqual(served(await isolated([], now)), ["FilterPolicy p v1", "Service s1 v1"]);
    });

    it("is left out where it is a route, with its Service, which would be open to all requests without it", async () => {
      const now = [service("s0", 1), service("s1", 1), { ...route("r", 1, "s0"), backend: "gone" }];
      assert.deepEqual(served(await isolated([], now)), ["Service s1 v1"]);
    });
  });

  // Random sets of resources, of which some were served before.
  const names = ["s0", "s1", "s2"];
  const version = fc.integer({ min: 1, max: 3 });
  const some = fc.subarray(names, { minLength: 1 });
  const sets = (isFaulty: boolean): fc.Arbitrary<Written[]> => {
    const fault = isFaulty
      ? fc.option(fc.constantFrom("document" as const, "filter" as const), { nil: undefined, freq: 2 })
      : fc.constant(undefined);
    const document = fault.map((one) => (one === undefined ? {} : { fault: "document" as const }));
    const withFault = <T extends object>(one: T, found: Written["fault"]): T =>
      found ? { ...one, fault: found } : one;
    const services = fc
      .tuple(...names.map(() => fc.tuple(version, document, fc.boolean())))
      .map((all) =>
        all.flatMap(([v, found, isThere], index): Written[] =>
          isThere ? [{ ...service(names[index] ?? "", v), ...found }] : [],
        ),
      );
    return services.chain((present) => {
      const known = present.map(({ name }) => name);
      const targets = isFaulty
        ? some
        : known.length === 0
          ? fc.constant<string[]>([])
          : fc.subarray(known, { minLength: 1 });
      const policies = fc.array(
        fc
          .tuple(fc.constantFrom("p", "q", "r"), version, targets, fault)
          .map(([n, v, t, f]) => withFault(policy(n, v, t), f)),
        { maxLength: 3 },
      );
      const routes = fc.array(
        fc.tuple(fc.constantFrom("a", "b"), version, targets, document).map(([n, v, t, f]): Written => ({
          ...route(n, v, t[0] ?? ""),
          ...f,
        })),
        { maxLength: 2 },
      );
      return fc
        .tuple(policies, routes)
        .map(([p, r]) => [
          ...present,
          ...unique(p.filter(({ services: t }) => t?.length !== 0)),
          ...unique(r.filter(({ services: t }) => t?.[0] !== "")),
        ]);
    });
  };

  function unique(written: readonly Written[]): Written[] {
    return [...new Map(written.map((one) => [one.name, one])).values()];
  }

  it("leads to a checked model, in which no Service lacks its filters, whatever is faulty", async () => {
    await fc.assert(
      fc.asyncProperty(sets(false), sets(true), async (before, now) => {
        const result = await isolated(before, now);
        // At worst all is as it was.
        assert.ok(result.ok);
        const resources = resourcesOf(result.value);
        assert.ok((await check({ resources })).ok);
        const all = new Set(resources.map(versioned));
        const has = (one: Written): boolean => all.has(`${one.kind} ${one.name} v${one.version}`);
        for (const { name } of names
          .map((one) => ({ name: one }))
          .filter((one) => result.value.services.has(one.name))) {
          const meant = (written: readonly Written[]): Written[] =>
            written.filter(({ kind, services: t }) => kind === "FilterPolicy" && t?.includes(name));
          const isAsBefore = before.some((one) => one.kind === "Service" && one.name === name && has(one));
          const isNew = meant(now).every((one) => one.fault === undefined && has(one));
          assert.ok(isNew || (isAsBefore && meant(before).every(has)), `${name} is open`);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("that nothing refers to changes nothing but itself", async () => {
    const quota: Written = { kind: "Quota", name: "z", version: 1, fault: "document" };
    await fc.assert(
      fc.asyncProperty(sets(false), sets(false), async (before, now) => {
        assert.deepEqual(
          served(await isolated(before, [...now, quota])),
          resourcesOf(await modelOf(now))
            .filter(({ kind }) => kind !== "WasmModule")
            .map(versioned)
            .sort(),
        );
      }),
      { numRuns: 100 },
    );
  });
});
