// Envoy's local_ratelimit and what `meshwright import` makes of it, asked the same.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { importPolicies } from "../../controlplane/import/index.ts";
import { root } from "../../setup/paths.mjs";
import { wasmFilter } from "../support/filter-chains.ts";
import { policies, request, tokensPerSecond, type Kind, type Policy } from "./ratelimit-policies.ts";
import type { Report } from "./rbac.ts";
import { inParallel, SideBySide, type Answer, type Pair, type Request, type Side } from "./side-by-side.ts";

const module = join(root, "build", "ratelimit.wasm");

/** Until one and a half tokens are back, so that a second more or less makes no difference. */
const PAUSE_MS = 1500 / tokensPerSecond;
const TOLERANCE_MS = 400 / tokensPerSecond;

interface Case {
  readonly policy: Policy;
  readonly ours: object;
  readonly findings: readonly string[];
}

/**
 * What both are to agree in. Limits that only count do not tell of themselves in ratelimit, and of several limits it tells the
 * one with the least left, which Envoy does not.
 */
function seen({ status, head }: Answer, { isEnforced, chargesSeveral }: Policy): string {
  if (!isEnforced || chargesSeveral) return String(status);
  const header = (name: string): string => new RegExp(`^${name}: (\\d+)`, "m").exec(head)?.[1] ?? "none";
  return `${status}, limit ${header("x-ratelimit-limit")}, remaining ${header("x-ratelimit-remaining")}`;
}

export interface RateLimitReport extends Report {
  /** Requests that were compared exactly, by what their configuration was made for. */
  readonly byKind: Partial<Record<Kind, number>>;
}

/** Whether the two let the same requests pass, and tell the same quota. */
export async function compareLocalRateLimit(
  seed: number,
  configurations: number,
  requests: number,
): Promise<RateLimitReport> {
  const cases = fc.sample(policies, { seed, numRuns: configurations }).map(caseOf);
  const asked = fc.sample(fc.array(request, { minLength: requests, maxLength: requests }), {
    seed: seed + 1,
    numRuns: configurations,
  });
  const envoy = await SideBySide.start(cases.map(pairOf), { answering: ["upstream"] });
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[], byKind: {} as Record<string, number> };
  try {
    await inParallel(cases, async ({ policy, ours, findings }, at) => {
      const list = asked[at] ?? [];
      const { native, ours: found, isInTime } = await askBoth(envoy, at, policy, list);
      report.compared += list.length;
      if (findings.length > 0 || !isInTime) return;
      for (const [i, sent] of list.entries()) {
        const [expected, got] = [native[i], found[i]].map((one) => one && seen(one, policy));
        ++report.exact;
        report.byKind[policy.kind] = (report.byKind[policy.kind] ?? 0) + 1;
        report.passed += Number(native[i]?.status === 200);
        if (expected !== got) {
          report.faults.push(
            [
              `Envoy ${String(expected)}; ratelimit ${String(got)}: request ${i}, ${sent.path} ${JSON.stringify(sent.headers)}`,
              `${policy.kind}\n  local_ratelimit ${JSON.stringify(policy.filter)}`,
              `  routes ${JSON.stringify(policy.routes)}, virtual host ${JSON.stringify(policy.host)}`,
              `  ratelimit ${JSON.stringify(ours)}`,
            ].join("\n"),
          );
        }
        // Envoy has charged some of the descriptors of this request, ratelimit none: the two go on differently by design.
        if (policy.chargesSeveral && native[i]?.status !== 200) break;
      }
    });
  } finally {
    await envoy.stop();
  }
  return report;
}

function caseOf(policy: Policy, at: number): Case {
  const { filter, routes, host } = policy;
  const virtual_hosts = [{ name: "all", domains: ["*"], routes, ...host }];
  const manager = { http_filters: [filter], route_config: { virtual_hosts } };
  const { imported, findings } = importPolicies([{ path: "local.json", text: JSON.stringify(manager) }], {
    from: "envoy",
    trustDomain: "cluster.local",
    rootNamespace: "istio-system",
  });
  const [first] = imported;
  const limits = first?.filter === "ratelimit" ? first.configuration.limits : [];
  const configuration = first?.filter === "ratelimit" ? first.configuration : {};
  return {
    policy,
    // Buckets belong to a limit's name, and all chains share them.
    ours: { ...configuration, limits: limits.map((limit) => ({ ...limit, name: `${limit.name}-${at}` })) },
    // What a note tells of comes over as it is.
    findings: findings
      .filter(({ kind }) => kind !== "note")
      .map(({ kind, path, message }) => `${kind}: ${path}: ${message}`),
  };
}

function pairOf({ policy, ours }: Case): Pair {
  return {
    native: [policy.filter],
    ours:
      "limits" in ours && Array.isArray(ours.limits) && ours.limits.length > 0
        ? [wasmFilter("ratelimit", module, ours)]
        : [],
    routes: { native: policy.routes, ours: policy.routes.map(withoutLimits) },
    hosts: { native: policy.host, ours: {} },
  };
}

const ofLimits = ["rate_limits", "typed_per_filter_config", "include_vh_rate_limits"];

/** A route of a chain in which the filter's configuration says all. */
function withoutLimits(route: object): object {
  const text = JSON.stringify(route, (key, value: unknown) => (ofLimits.includes(key) ? undefined : value));
  return JSON.parse(text) as object;
}

interface Answers extends Record<Side, readonly Answer[]> {
  /** Whether both were asked at such times that they must agree in how much has come back. */
  readonly isInTime: boolean;
}

async function askBoth(envoy: SideBySide, at: number, { kind }: Policy, list: readonly Request[]): Promise<Answers> {
  const from = { source: "192.0.2.1", port: 80 };
  if (kind !== "refill") {
    const [native, ours] = await Promise.all([envoy.ask(at, "native", from, list), envoy.ask(at, "ours", from, list)]);
    return { native, ours, isInTime: true };
  }
  const parts = [list.slice(0, list.length / 2), list.slice(list.length / 2)];
  const askSide = async (side: Side): Promise<{ readonly answers: Answer[]; readonly isInTime: boolean }> => {
    const answers: Answer[] = [];
    const began = performance.now();
    let isInTime = true;
    for (const [i, part] of parts.entries()) {
      await sleep(began + i * PAUSE_MS - performance.now());
      answers.push(...(await envoy.ask(at, side, from, part)));
      isInTime &&= performance.now() < began + i * PAUSE_MS + TOLERANCE_MS;
    }
    return { answers, isInTime };
  };
  const [native, ours] = await Promise.all([askSide("native"), askSide("ours")]);
  return { native: native.answers, ours: ours.answers, isInTime: native.isInTime && ours.isInTime };
}
