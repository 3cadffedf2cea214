// What the tests of imports share.
import { importPolicies, type Configuration, type ImportOptions } from "./index.ts";
import { formatFinding } from "./finding.ts";

export const options: ImportOptions = { trustDomain: "cluster.local", rootNamespace: "istio-system" };

/** The configurations of authz by name, and the findings as lines. */
export function imported(
  text: string,
  more: Partial<ImportOptions> = {},
): { configurations: Record<string, Configuration>; findings: string[] } {
  const result = importPolicies([{ path: "p.yaml", text }], { ...options, ...more });
  return {
    configurations: Object.fromEntries(
      result.imported.flatMap((one) => (one.filter === "authz" ? [[one.name, one.configuration]] : [])),
    ),
    findings: result.findings.map(formatFinding),
  };
}
