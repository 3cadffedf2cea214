// Envoy's rbac and what `meshwright import` makes of it, asked the same.
import { join } from "node:path";
import fc from "fast-check";
import { importPolicies } from "../../controlplane/import/index.ts";
import { root } from "../../setup/paths.mjs";
import { typed, wasmFilter } from "../support/filter-chains.ts";
import { connection, filters, metadataFilter, request, shadowEngine, type Json } from "./rbac-policies.ts";
import { inParallel, SideBySide, type Connection, type Pair, type Request } from "./side-by-side.ts";

export interface Size {
  readonly configurations: number;
  /** Connections for each configuration. */
  readonly connections: number;
  /** Requests of each connection. */
  readonly requests: number;
}

export interface Report {
  /** How many pairs of a configuration and a request were compared. */
  readonly compared: number;
  /** Of these, how many with a configuration that came over whole, and how many of these passed. */
  readonly exact: number;
  readonly passed: number;
  readonly faults: readonly string[];
}

/** How a connection manager finds the client's address, and what the importer is told of it. */
export const worlds = {
  edge: { manager: { use_remote_address: true }, trustedHops: 0 },
  behindProxy: { manager: { use_remote_address: true, xff_num_trusted_hops: 1 }, trustedHops: 1 },
  internal: { manager: { use_remote_address: false }, trustedHops: undefined },
} as const;
export type World = keyof typeof worlds;

interface Case {
  readonly filters: readonly Json[];
  readonly configuration: { readonly rules: readonly object[] };
  readonly findings: readonly string[];
}

const module = join(root, "build", "authz.wasm");
const rbac = (fields: Json): object => ({ name: "rbac", typed_config: typed("http.rbac.v3.RBAC", fields) });

/** Whether the two decide alike. */
export async function compareRbac(seed: number, size: Size, world: World): Promise<Report> {
  const { manager, trustedHops } = worlds[world];
  const cases = fc.sample(filters, { seed, numRuns: size.configurations }).map((fields) => caseOf(fields, trustedHops));
  const pairs = cases.map((one): Pair => ({
    native: [metadataFilter, ...one.filters.map(rbac)],
    ours: [metadataFilter, wasmFilter("authz", module, one.configuration)],
  }));
  const envoy = await SideBySide.start(pairs, { manager });
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[] };
  try {
    await inParallel(conversations(seed, size), async ([from, requests], at) => {
      const which = Math.floor(at / size.connections);
      const one = cases[which];
      if (one === undefined) return;
      const [native, ours] = await Promise.all([
        envoy.ask(which, "native", from, requests),
        envoy.ask(which, "ours", from, requests),
      ]);
      const isWhole = one.findings.length === 0;
      requests.forEach((asked, i) => {
        const [expected, found] = [native[i]?.status ?? 0, ours[i]?.status ?? 0];
        ++report.compared;
        report.exact += Number(isWhole);
        report.passed += Number(isWhole && expected === 200);
        // What was not carried over whole may refuse more, and open nothing.
        const isGood = expected === found || (!isWhole && expected === 200 && found === 403);
        if (!isGood) report.faults.push(faultOf(one, from, asked, String(expected), String(found)));
      });
    });
  } finally {
    await envoy.stop();
  }
  return report;
}

const shadowResult = {
  header: { key: "x-shadow", value: "%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_engine_result)%" },
};

/** Whether shadow rules of the two match alike: what Envoy leaves in metadata, and what authz logs. */
export async function compareShadow(seed: number, size: Size): Promise<Report> {
  const cases = fc
    .sample(shadowEngine, { seed, numRuns: size.configurations })
    .map((shadow_rules, at) => ({ ...caseOf([{ shadow_rules }], 0, `case-${at}-`), shadow_rules }));
  const pairs = cases.map(({ shadow_rules, configuration }, at): Pair => {
    // Observers are told of in their order, so this one closes what is logged of a request.
    const rules = [...configuration.rules, { name: `case-${at}-end`, action: "audit" }];
    return {
      native: [metadataFilter, rbac({ shadow_rules })],
      ours: [metadataFilter, wasmFilter("authz", module, { ...configuration, rules })],
    };
  });
  const envoy = await SideBySide.start(pairs, { manager: worlds.edge.manager, show: [shadowResult] });
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[] };
  try {
    await envoy.envoy.admin("/logging?wasm=info", "POST");
    const asked = conversations(seed, { ...size, connections: 1 });
    const results = new Map<number, string[]>();
    await inParallel(asked, async ([from, requests], at) => {
      const native = await envoy.ask(at, "native", from, requests);
      results.set(
        at,
        native.map(({ head }) => /^x-shadow: (\w*)/m.exec(head)?.[1] ?? ""),
      );
      await envoy.ask(at, "ours", from, requests);
    });
    const ends = (): number => envoy.envoy.process.output.split("-end matched").length - 1;
    await envoy.envoy.until(() => Promise.resolve(ends() === cases.length * size.requests));
    asked.forEach(([from, requests], at) => {
      const one = cases[at];
      if (one === undefined) return;
      const lines = [...envoy.envoy.process.output.matchAll(new RegExp(`rule (case-${at}-\\S+) matched`, "g"))];
      const matched = lines
        .map(([, name = ""]) => name)
        .join(" ")
        .split(`case-${at}-end`);
      const verdict =
        (one.shadow_rules as { action: string }).action === "DENY" ? ["denied", "allowed"] : ["allowed", "denied"];
      requests.forEach((request, i) => {
        const found = verdict[(matched[i] ?? "").trim() === "" ? 1 : 0] ?? "";
        const expected = results.get(at)?.[i] ?? "";
        ++report.compared;
        if (one.findings.length > 0) return;
        ++report.exact;
        report.passed += Number(expected === "allowed");
        if (found !== expected) report.faults.push(faultOf(one, from, request, expected, found));
      });
    });
  } finally {
    await envoy.stop();
  }
  return report;
}

function conversations(seed: number, size: Size): [Connection, Request[]][] {
  const requests = fc.array(request, { minLength: size.requests, maxLength: size.requests });
  return fc.sample(fc.tuple(connection, requests), { seed: seed + 1, numRuns: size.configurations * size.connections });
}

/** @param prefix What the names of policies begin with. */
function caseOf(fields: readonly Json[], trustedHops: number | undefined, prefix = ""): Case {
  const text = JSON.stringify(fields.map(rbac)).replaceAll(/"(p\d)":/g, `"${prefix}$1":`);
  const { imported, findings } = importPolicies([{ path: "rbac.json", text }], {
    from: "envoy",
    ...(trustedHops === undefined ? {} : { trustedHops }),
    trustDomain: "cluster.local",
    rootNamespace: "istio-system",
  });
  const texts = findings.map(({ kind, path, message }) => `${kind}: ${path}: ${message}`);
  const [first] = imported;
  if (first?.filter !== "authz") throw new Error(`nothing was imported from ${text}:\n${texts.join("\n")}`);
  return { filters: fields, configuration: first.configuration, findings: texts };
}

function faultOf(one: Case, from: Connection, asked: Request, expected: string, found: string): string {
  return [
    `Envoy ${expected}, authz ${found}${one.findings.length === 0 ? "" : " although a part was lost"}`,
    `  request ${JSON.stringify(asked)} from ${JSON.stringify(from)}`,
    `  rbac ${JSON.stringify(one.filters)}`,
    `  authz ${JSON.stringify(one.configuration)}`,
    ...one.findings.map((finding) => `  ${finding}`),
  ].join("\n");
}
