import type { Document } from "../model/document.ts";
import { readDocuments, type SourceFile } from "../model/document.ts";
import type { Configuration } from "./configuration.ts";
import { importEnvoy } from "./envoy.ts";
import type { RateLimitScope } from "./envoy-ratelimit.ts";
import { Findings, type Finding } from "./finding.ts";
import { importIstio } from "./istio.ts";
import type { RateLimitConfiguration } from "./rate-limit-configuration.ts";
import { isServiceConfiguration, readServiceDomain, type ServiceDomain, type ServiceRule } from "./service-rules.ts";

export { formatFinding, type Finding } from "./finding.ts";
export type { Configuration } from "./configuration.ts";
export type { RateLimitConfiguration } from "./rate-limit-configuration.ts";

export type { RateLimitScope } from "./envoy-ratelimit.ts";

export type SourceKind = "envoy" | "istio";

export interface ImportOptions {
  /** What the files are; found out for each document when left out. */
  readonly from?: SourceKind;
  /** How many proxies Envoy trusts with x-forwarded-for; needed where policies ask for the address of the connection. */
  readonly trustedHops?: number;
  /** The trust domain that `cluster.local` stands for in Istio's policies. */
  readonly trustDomain: string;
  /** The namespace whose policies of Istio apply in all namespaces. */
  readonly rootNamespace: string;
  /** Who counts what Envoy's filter `ratelimit` asks a service for; `service` when left out: that service, as before. */
  readonly scope?: RateLimitScope;
}

/** A configuration of a filter, and what it is for. */
export type Imported = {
  /** A name for a file. */
  readonly name: string;
  /** The workloads of Istio that it is for, or the place of the filters in Envoy's configuration. */
  readonly target: object;
} & (
  | { readonly filter: "authz"; readonly configuration: Configuration }
  | {
      readonly filter: "ratelimit";
      readonly configuration: RateLimitConfiguration;
      /** Resources of the control plane that limits of the scope `fleet` need. */
      readonly quotas: readonly object[];
    }
  | {
      readonly filter: "wasm";
      /** Resources of the control plane: a WasmModule, and the FilterPolicies that run it. */
      readonly resources: readonly object[];
    }
);

export interface ImportResult {
  readonly imported: readonly Imported[];
  readonly findings: readonly Finding[];
}

/** Translates policies of Envoy and Istio into configurations of the filters authz and ratelimit, and WasmPlugins into resources. Nothing is imported where there is an error. */
export function importPolicies(files: readonly SourceFile[], options: ImportOptions): ImportResult {
  const findings = new Findings();
  const documents: Document[] = [];
  for (const file of files) {
    const read = readDocuments(file);
    documents.push(...read.documents);
    for (const problem of read.problems) findings.add({ kind: "error", advice: "", ...problem });
  }
  const isIstio = (document: Document): boolean =>
    options.from === undefined ? isResource(document.value) : options.from === "istio";
  const istio = documents.filter(isIstio);
  const others = documents.filter((document) => !isIstio(document));
  const domains = readDomains(
    others.filter(({ value }) => isServiceConfiguration(value)),
    findings,
  );
  const used = new Set<ServiceRule>();
  const imported = [
    ...(istio.length > 0 ? importIstio(istio, findings, options) : []),
    ...others
      .filter(({ value }) => !isServiceConfiguration(value))
      .flatMap((document) => importEnvoy(document, findings, options, { domains, used })),
  ];
  reportUnused(domains, used, options.scope ?? "service");
  return { imported: findings.has("error") ? [] : imported, findings: findings.sorted() };
}

function readDomains(documents: readonly Document[], findings: Findings): ServiceDomain[] {
  const domains = documents.map((document) => readServiceDomain(document, findings));
  for (const [i, { at, domain }] of domains.entries()) {
    const isFirst = domains.findIndex((other) => other.domain === domain) === i;
    if (!isFirst) at.get("domain")?.report("error", `the domain "${domain}" is there before`);
  }
  return domains;
}

/** What of a rate limit service's files limits nothing here. */
function reportUnused(domains: readonly ServiceDomain[], used: ReadonlySet<ServiceRule>, scope: RateLimitScope): void {
  const report = (rules: readonly ServiceRule[]): void => {
    for (const rule of rules) {
      if (rule.limit !== undefined && !used.has(rule)) {
        rule.at.report("note", "no rate_limits in these files make this descriptor, so it limits nothing");
      }
      report(rule.rules);
    }
  };
  for (const { at, rules } of domains) {
    if (scope !== "service") report(rules);
    else at.report("note", "the service stays and keeps this file", "--scope fleet or envoy makes limits of it");
  }
}

function isResource(value: unknown): boolean {
  return typeof value === "object" && value !== null && "apiVersion" in value && "kind" in value;
}
