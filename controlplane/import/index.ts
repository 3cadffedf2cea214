import type { Document } from "../model/document.ts";
import { readDocuments, type SourceFile } from "../model/document.ts";
import type { Configuration } from "./configuration.ts";
import { importEnvoy } from "./envoy.ts";
import { Findings, type Finding } from "./finding.ts";
import { importIstio } from "./istio.ts";
import type { RateLimitConfiguration } from "./rate-limit-configuration.ts";

export { formatFinding, type Finding } from "./finding.ts";
export type { Configuration } from "./configuration.ts";
export type { RateLimitConfiguration } from "./rate-limit-configuration.ts";

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
}

/** A configuration of a filter, and what it is for. */
export type Imported = {
  /** A name for a file. */
  readonly name: string;
  /** The workloads of Istio that it is for, or the place of the filters in Envoy's configuration. */
  readonly target: object;
} & (
  | { readonly filter: "authz"; readonly configuration: Configuration }
  | { readonly filter: "ratelimit"; readonly configuration: RateLimitConfiguration }
);

export interface ImportResult {
  readonly imported: readonly Imported[];
  readonly findings: readonly Finding[];
}

/** Translates policies of Envoy and Istio into configurations of the filters authz and ratelimit. Nothing is imported where there is an error. */
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
  const imported = [
    ...(istio.length > 0 ? importIstio(istio, findings, options) : []),
    ...documents
      .filter((document) => !isIstio(document))
      .flatMap((document) => importEnvoy(document, findings, options)),
  ];
  return { imported: findings.has("error") ? [] : imported, findings: findings.sorted() };
}

function isResource(value: unknown): boolean {
  return typeof value === "object" && value !== null && "apiVersion" in value && "kind" in value;
}
