import type { Explanation } from "./explanation.ts";
import type { Expected, RequestSpec } from "./requests.ts";

/** Where an explanation is not as a request expects: one line each; none if all is well. */
export function compare(expect: RequestSpec["expect"], explanation: Explanation): string[] {
  if (expect === undefined) return [];
  const expected: Expected = typeof expect === "string" ? { decision: expect } : expect;
  const { decision, rule = "", reason = "", principal = "", response, upstream, rules } = explanation;
  const observed = rules.filter(({ matches, shadow, action }) => matches && (shadow || action === "audit"));
  const faults = [
    differ("decision", expected.decision, decision),
    differ("rule", expected.rule, rule),
    differ("reason", expected.reason, reason),
    differ("status", expected.status, response?.status ?? null),
    differ("principal", expected.principal, principal),
    differ("observed", expected.observed && [...expected.observed].sort(), observed.map(({ name }) => name).sort()),
  ];
  if (expected.upstream !== undefined) {
    if (upstream === undefined) faults.push("upstream: expected to get the request, which does not pass");
    else {
      for (const [name, value] of Object.entries(expected.upstream)) {
        faults.push(differ(`upstream header ${name}`, value, upstreamHeader(upstream, name.toLowerCase())));
      }
    }
  }
  return faults.filter((fault) => fault !== "");
}

function upstreamHeader({ set, names }: NonNullable<Explanation["upstream"]>, name: string): string | null {
  const values = set.flatMap(([other, value]) => (other === name ? [value] : []));
  if (values.length > 0) return values.join(",");
  return names.includes(name) ? "(as the client sent it)" : null;
}

function differ(what: string, expected: unknown, found: unknown): string {
  if (expected === undefined || JSON.stringify(expected) === JSON.stringify(found)) return "";
  return `${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
}
