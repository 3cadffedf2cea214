import type { ModulesReport } from "../../api/index.ts";

/** A report as lines for people: what refers to a module stands below it. */
export function formatModules({ modules, unclear, graceMs }: ModulesReport): string[] {
  if (modules.length === 0) return ["there are no modules"];
  const lines = modules.flatMap(({ sha256, size, from, referredToBy, unusedMs = 0 }) => [
    `${sha256}  ${size.toLocaleString("en")} bytes`,
    ...from.map((place) => `  from ${place}`),
    ...referredToBy.map((who) => `  used by ${who}`),
    ...(referredToBy.length > 0
      ? []
      : [`  unused for ${duration(unusedMs)}${graceMs === undefined ? "" : ` of ${duration(graceMs)}`}`]),
  ]);
  return [...lines, ...unclear.map((what) => `nothing is removed: ${what}`)];
}

/** What a collection removed, or would. */
export function formatCollection({ modules, unclear }: ModulesReport, isDryRun: boolean): string[] {
  const removed = modules.filter(({ isRemoved }) => isRemoved);
  const size = removed.reduce((sum, module) => sum + module.size, 0);
  const count = `${String(removed.length)} of ${String(modules.length)} modules, ${size.toLocaleString("en")} bytes`;
  return [
    ...removed.map(({ sha256, size: bytes, from }) =>
      `${sha256}  ${bytes.toLocaleString("en")} bytes  ${from.at(-1) ?? ""}`.trimEnd(),
    ),
    `${isDryRun ? "would remove" : "removed"} ${count}`,
    ...unclear.map((what) => `nothing is removed: ${what}`),
  ];
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** In the largest unit of which there is at least one. */
function duration(ms: number): string {
  const [unit, length] = units.find(([, one]) => ms >= one) ?? ["s", 1_000];
  return `${String(Math.floor(ms / length))}${unit}`;
}
