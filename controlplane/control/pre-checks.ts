import { checkModule } from "@meshwright/host";
import type { Logger } from "pino";
import type { FilterPolicy } from "../model/index.ts";
import type { PreCheck } from "../rollout/index.ts";
import { checkOptions, type LoadedModule } from "./filter-checks.ts";

/** How many requests are sent through a filter, and the longest that this may take. */
const REQUESTS = 20_000;
const TIMEOUT_MS = 60_000;

/** A filter that is tried. */
export interface TriedFilter {
  readonly policy: FilterPolicy;
  readonly module: LoadedModule;
}

/** Tries filters in a real Envoy. @returns what speaks against them. */
export type Shadow = (filters: readonly TriedFilter[]) => Promise<readonly string[]>;

/** Tries the filters of a version: with many requests in a host of this process, and in an Envoy where there is one. */
export function preChecks(shadow: Shadow | undefined, log: Logger): PreCheck<LoadedModule> {
  return async (version, { model, modules }) => {
    const filters = version.resources.flatMap(({ kind, metadata }): TriedFilter[] => {
      const policy = kind === "FilterPolicy" ? model.filterPolicies.get(metadata.name) : undefined;
      const module = policy && modules.get(policy.spec.module);
      return module === undefined || policy === undefined ? [] : [{ policy, module }];
    });
    if (filters.length === 0) return [];
    const findings: string[] = [];
    for (const filter of filters) findings.push(...(await soak(filter)));
    // An Envoy is not needed to find out what is known already.
    if (findings.length === 0 && shadow !== undefined) findings.push(...(await shadow(filters)));
    if (findings.length === 0) {
      const where = shadow === undefined ? "in this process" : "in this process and in an Envoy";
      log.info({ version: version.id }, `pre-checks: ${String(filters.length)} filters are good, tried ${where}`);
    }
    return findings;
  };
}

async function soak({ policy, module }: TriedFilter): Promise<readonly string[]> {
  const options = { ...checkOptions(policy), requests: REQUESTS, timeoutMs: TIMEOUT_MS };
  const result = await checkModule(module.bytes, options);
  if (result.ok) return [];
  return result.problems.map(({ message }) => `FilterPolicy ${policy.metadata.name}, tried with requests: ${message}`);
}
