import type { HeldBack, PlanReport, ResourceChange, SidecarGroup, XdsChange, XdsDifference } from "../../plan/index.ts";

const signs = { added: "+", changed: "~", removed: "-" } as const;

/**
 * A plan as lines for people.
 *
 * @param most how many sidecars are named where several get the same.
 */
export function formatPlan({ resources, groups, unchanged, heldBack }: PlanReport, most: number): string[] {
  if (resources.length === 0 && groups.length === 0) return ["nothing would change"];
  const lines = [count(resources.length, "resource"), ...resources.map(resourceLine)];
  for (const group of groups) lines.push("", ...formatGroup(group, most));
  for (const held of heldBack) lines.push("", ...formatHeld(held));
  lines.push("", summary(groups, unchanged));
  return lines;
}

function resourceLine({ change, resource, at, module }: ResourceChange): string {
  const bytes = module === undefined ? "" : `  module ${short(module.before)} -> ${short(module.after)}`;
  return `  ${signs[change]} ${resource}  ${at}${bytes}`;
}

function short(sha256: string | undefined): string {
  return sha256 === undefined ? "none" : sha256.slice(0, 8);
}

function formatGroup({ nodes, services, connected, note, now, later }: SidecarGroup, most: number): string[] {
  const away = nodes.length - connected.length;
  const absent = away === 0 ? "" : away === nodes.length ? ", not connected" : `, ${away} of them not connected`;
  const of = services.length === 0 ? "" : ` of ${services.join(", ")}`;
  const lines = [`${count(nodes.length, "sidecar")}${of}: ${names(nodes, most)}${absent}`];
  if (note !== undefined) lines.push(`  ${note}`);
  lines.push(...formatDifference(now));
  if (later === undefined) return lines;
  lines.push(`  held back by ${later.rollouts.map((name) => `Rollout ${name}`).join(", ")}:`);
  lines.push(...formatDifference(later).map((line) => `  ${line}`));
  return lines;
}

function formatDifference({ changes, disturbance }: XdsDifference): string[] {
  const lines = changes.flatMap(formatChange);
  if (disturbance.length > 0) lines.push(...disturbance.map((what) => `  ! ${what}`));
  return lines;
}

function formatChange({ change, type, name, from, diff }: XdsChange): string[] {
  const origins = from.length > 3 ? `${from.length} resources` : from.map(({ resource }) => resource).join(", ");
  const head = `  ${signs[change]} ${type} ${name}${origins === "" ? "" : `  from ${origins}`}`;
  return [head, ...(diff === "" ? [] : diff.split("\n").map((line) => `      ${line}`))];
}

function formatHeld({ rollout, targets, why }: HeldBack): string[] {
  return [`Rollout ${rollout} holds back ${targets.join(", ")}: ${why}`];
}

function summary(groups: readonly SidecarGroup[], unchanged: number): string {
  const total = (one: (group: SidecarGroup) => boolean): number =>
    groups.reduce((sum, group) => sum + (one(group) ? group.nodes.length : 0), 0);
  const now = total((group) => group.now.changes.length > 0);
  const later = total((group) => group.later !== undefined);
  const disturbed = total((group) => group.now.disturbance.length > 0);
  const parts = [
    `${count(now, "sidecar")} would be sent something at once`,
    disturbed === 0 ? "of which none closes a connection" : `of which ${disturbed} close connections, as marked with !`,
    ...(later === 0 ? [] : [`for ${later} something is held back`]),
    `for ${unchanged} nothing changes`,
  ];
  return parts.join("; ");
}

function names(nodes: readonly string[], most: number): string {
  const shown = nodes.slice(0, most).join(", ");
  return nodes.length > most ? `${shown} and ${nodes.length - most} more` : shown;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
