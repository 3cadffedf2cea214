import type { Trace, TracedResource } from "../inspect/index.ts";
import { ask, type Connection } from "./ask.ts";
import { printReport } from "./print-report.ts";

export interface TraceFlags extends Connection {
  readonly json: boolean;
}

/** `meshwright trace`. The exit status is 1 when there is no such sidecar or resource. */
export async function traceResource(node: string, resource: string, flags: TraceFlags): Promise<void> {
  const { json, ...connection } = flags;
  const query = new URLSearchParams({ node, resource });
  const report = (await ask(connection, `/api/v1/trace?${query.toString()}`)) as Trace | undefined;
  if (report !== undefined) printReport(json, report, () => formatTrace(report));
}

/** The trace as lines for people. */
export function formatTrace({ node, service, connected, source, resources, heldBack, notes }: Trace): string[] {
  const lines = [`${node}, a sidecar of ${service}${connected ? "" : ", which is not connected"}`];
  if (source !== undefined) lines.push(`${source.resource}  ${source.at}`);
  for (const { rollout, has, wanted, why } of heldBack)
    lines.push(`Rollout ${rollout} holds it at version ${has.slice(0, 12)} instead of ${wanted.slice(0, 12)}: ${why}`);
  for (const resource of resources) {
    lines.push("", `${resource.type} ${resource.name}  version ${resource.version}`);
    for (const { resource: name, at } of resource.from) lines.push(`  from ${name}  ${at}`);
    if (resource.heldBack !== undefined)
      lines.push(
        `  held back: ${resource.heldBack.version === null ? "its removal" : `version ${resource.heldBack.version}`}`,
      );
    lines.push(...standing(resource));
  }
  if (notes.length > 0) lines.push("", ...notes);
  return lines;
}

function standing({ state, version, sent, acked, acceptedAt, rejection }: TracedResource): string[] {
  if (state === undefined) return ["  not sent: the sidecar has not been connected lately"];
  const lines: string[] = [];
  if (state === "not-requested") lines.push("  not sent: the sidecar has not asked for it");
  if (state === "pending")
    lines.push(
      sent === version || sent?.startsWith(`${version}+`) ? "  sent, and not answered yet" : "  about to be sent",
    );
  if (state === "prewarming") lines.push("  sent: the sidecar fetches the module first");
  if (acked !== undefined) {
    const when = acceptedAt === undefined ? "before it connected" : `at ${acceptedAt}`;
    lines.push(
      state === "synced" ? `  acknowledged ${when}` : `  what it has is version ${acked}, acknowledged ${when}`,
    );
  }
  if (rejection !== undefined) {
    const shared = rejection.shared ? ", together with others" : "";
    lines.push(`  rejected version ${rejection.version} at ${rejection.at}${shared}:`);
    lines.push(...rejection.message.split("\n").map((line) => `    ${line}`));
  }
  return lines;
}
