import type { RolloutReport, RolloutsReport, RunReport, WaveReport } from "../../api/index.ts";
import { table } from "../print-table.ts";

const BAR = 24;

/** All Rollouts as lines for people. */
export function formatRollouts({ rollouts }: RolloutsReport): string[] {
  if (rollouts.length === 0) return ["there are no Rollouts"];
  return rollouts.flatMap((rollout, i) => [...(i === 0 ? [] : [""]), ...formatRollout(rollout)]);
}

/** One Rollout: where it is, a bar for each wave, and what was measured. */
export function formatRollout({ name, state, why, targets, run, refused }: RolloutReport): string[] {
  const what = targets.map((target) => `${target.kind} ${target.name}`).join(", ");
  const lines = [`${name}  ${state}  (${what})`, ...(why === null ? [] : [`  ${why}`])];
  if (refused.length > 0)
    lines.push("  what the source says now is refused:", ...refused.map((fault) => `    ${fault}`));
  if (run === null) return [...lines, "  no run yet"];
  lines.push(`  ${describeRun(run)}`, ...table(run.waves.map(waveRow)).map((line) => `  ${line}`));
  for (const { node, message, progress } of run.sidecars) {
    if (message !== null) lines.push(`  ${node}${progress === null ? "" : ` ${progress}`}: ${message}`);
  }
  return [...lines, ...formatEvidence(run)];
}

/** The bar of a wave: `#` runs the new version, `.` is to. */
export function bar(running: number, sidecars: number): string {
  const full = sidecars === 0 ? 0 : Math.floor((BAR * running) / sidecars);
  return `[${"#".repeat(full)}${".".repeat(BAR - full)}]`;
}

function describeRun({
  number,
  undo,
  startedBy,
  phase,
  endedAt,
  startedAt,
  waitsFor,
  touched,
  reason,
}: RunReport): string {
  const took = endedAt === null ? "" : ` after ${seconds(Date.parse(endedAt) - Date.parse(startedAt))}`;
  const waits = waitsFor === null ? "" : `, waits: ${waitsFor}`;
  const why = reason === null ? "" : `, ${reason.title}`;
  return `run ${number}${undo ? " (undo)" : ""} by ${startedBy}: ${phase}${took}${waits}${why}; ${touched} given the new version`;
}

function waveRow({
  number,
  name,
  percentage,
  state,
  sidecars,
  running,
  bakesForSeconds,
  approval,
}: WaveReport): string[] {
  const more = bakesForSeconds === null ? "" : bakesForSeconds > 0 ? ` ${bakesForSeconds} s` : " until it is judged";
  const needs = state === "Pending" && approval === "Manual" ? " (needs approval)" : "";
  const label = `${number} ${name ?? `${percentage} %`}`;
  return [label, bar(running, sidecars), `${running}/${sidecars}`, `${state}${more}${needs}`];
}

function formatEvidence({ evidence, waves }: RunReport): string[] {
  if (evidence === null) return waves.flatMap(({ findings }) => findings.map((finding) => `  ${finding}`)).slice(-3);
  const rows = evidence.checks.map(({ name, watched, control, evidence: found, alarm, bad }) => [
    name,
    `new ${rate(watched)}`,
    `old ${rate(control)}`,
    bad ? "worse" : `evidence ${found.toPrecision(2)} of ${alarm}`,
  ]);
  const traps = Object.entries(evidence.vmFailures).map(
    ([node, count]) => `  ${node} trapped ${count === 1 ? "once" : `${count} times`}`,
  );
  return [
    `  ${evidence.requests} of ${evidence.minRequests} requests in this wave`,
    ...table(rows).map((line) => `  ${line}`),
    ...traps,
  ];
}

function rate({ of, all }: { readonly of: number; readonly all: number }): string {
  return all === 0 ? "-" : `${Number(((100 * of) / all).toPrecision(3))} % of ${all}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
