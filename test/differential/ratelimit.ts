// Envoy's local_ratelimit and what `meshwright import` makes of it, asked the same.
import { join } from "node:path";
import fc from "fast-check";
import { importPolicies } from "../../controlplane/import/index.ts";
import { root } from "../../setup/paths.mjs";
import { typed, wasmFilter } from "../support/filter-chains.ts";
import type { Report } from "./rbac.ts";
import { inParallel, SideBySide, type Answer, type Pair, type Request } from "./side-by-side.ts";

const module = join(root, "build", "ratelimit.wasm");
const values = ["1", "2", "3"] as const;
const all = { default_value: { numerator: 100, denominator: "HUNDRED" } };

/** Nothing comes back while requests are sent. */
const bucket = fc
  .integer({ min: 1, max: 6 })
  .map((max_tokens) => ({ max_tokens, tokens_per_fill: 1, fill_interval: "3600s" }));
const names = ["a", "b"] as const;
const actions = names.map((name) => ({ request_headers: { header_name: `x-${name}`, descriptor_key: name } }));
const entries = fc.tuple(fc.constantFrom(...values), fc.constantFrom(...values));

/** A request has one descriptor at most: where several are charged, the two differ by choice. */
const configuration = fc
  .record({
    main: bucket,
    isOnly: fc.boolean(),
    both: fc.boolean(),
    descriptors: fc.uniqueArray(fc.tuple(entries, bucket), {
      minLength: 1,
      maxLength: 4,
      selector: ([[a]]) => a,
    }),
    status: fc.constantFrom(429, 503),
    isEnforced: fc.boolean(),
    cost: fc.constantFrom(1, 1, 2),
  })
  .map(({ main, isOnly, both, descriptors, status, isEnforced, cost }) => ({
    stat_prefix: "local",
    token_bucket: main,
    filter_enabled: all,
    ...(isEnforced || isOnly ? { filter_enforced: all } : {}),
    status: { code: status },
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    ...(isOnly
      ? {}
      : {
          always_consume_default_token_bucket: false,
          rate_limits: [
            { actions: actions.slice(0, both ? 2 : 1), ...(cost === 1 ? {} : { hits_addend: { number: cost } }) },
          ],
          descriptors: descriptors.map(([pair, token_bucket]) => ({
            entries: names.slice(0, both ? 2 : 1).map((key, i) => ({ key, value: pair[i] })),
            token_bucket,
          })),
        }),
  }));

const value = fc.option(fc.constantFrom(...values), { freq: 6 });
const request = fc.tuple(value, value).map((pair): Request => ({
  method: "GET",
  path: "/",
  host: "a.example",
  headers: names.flatMap((name, i) => (pair[i] === null ? [] : [[`x-${name}`, pair[i] ?? ""] as const])),
}));

/** What both are to agree in. Limits that only count do not tell of themselves here, and a refusal always says that nothing remains. */
function seen({ status, head }: Answer, isEnforced: boolean): string {
  if (!isEnforced) return String(status);
  const header = (name: string): string => new RegExp(`^${name}: (\\d+)`, "m").exec(head)?.[1] ?? "none";
  const remaining = status === 200 ? header("x-ratelimit-remaining") : "nothing";
  return `${status}, limit ${header("x-ratelimit-limit")}, remaining ${remaining}`;
}

/** Whether the two let the same requests pass, and tell the same quota. */
export async function compareLocalRateLimit(seed: number, configurations: number, requests: number): Promise<Report> {
  const cases = fc.sample(configuration, { seed, numRuns: configurations }).map((fields, at) => {
    const native = {
      name: "local",
      typed_config: typed("http.local_ratelimit.v3.LocalRateLimit", fields),
    };
    const { imported, findings } = importPolicies([{ path: "local.json", text: JSON.stringify([native]) }], {
      from: "envoy",
      trustDomain: "cluster.local",
      rootNamespace: "istio-system",
    });
    const texts = findings.map(({ kind, path, message }) => `${kind}: ${path}: ${message}`);
    const [first] = imported;
    if (first?.filter !== "ratelimit") throw new Error(`nothing was imported:\n${texts.join("\n")}`);
    // Buckets belong to a limit's name, and all chains share them.
    const limits = first.configuration.limits.map((limit) => ({ ...limit, name: `${limit.name}-${at}` }));
    return { fields, native, ours: { ...first.configuration, limits }, findings: texts };
  });
  const pairs = cases.map(({ native, ours }): Pair => ({
    native: [native],
    ours: [wasmFilter("ratelimit", module, ours)],
  }));
  const asked = fc.sample(fc.array(request, { minLength: requests, maxLength: requests }), {
    seed: seed + 1,
    numRuns: configurations,
  });
  const envoy = await SideBySide.start(pairs);
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[] };
  try {
    await inParallel(cases, async (one, at) => {
      const list = asked[at] ?? [];
      const from = { source: "192.0.2.1", port: 80 };
      const [native, ours] = await Promise.all([
        envoy.ask(at, "native", from, list),
        envoy.ask(at, "ours", from, list),
      ]);
      list.forEach((sent, i) => {
        const [expected, found] = [native[i], ours[i]];
        if (expected === undefined || found === undefined) return;
        ++report.compared;
        if (one.findings.length > 0) return;
        ++report.exact;
        report.passed += Number(expected.status === 200);
        const isEnforced = "filter_enforced" in one.fields;
        const [wanted, got] = [seen(expected, isEnforced), seen(found, isEnforced)];
        if (wanted === got) return;
        report.faults.push(
          [
            `Envoy ${wanted}; ratelimit ${got}: request ${i}, ${JSON.stringify(sent.headers)}`,
            `  local_ratelimit ${JSON.stringify(one.fields)}`,
            `  ratelimit ${JSON.stringify(one.ours)}`,
          ].join("\n"),
        );
      });
    });
  } finally {
    await envoy.stop();
  }
  return report;
}
