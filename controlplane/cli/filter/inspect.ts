import type { Share } from "../../filter/code-groups.ts";
import { readCodeMap, readModule } from "../../filter/read-module.ts";
import { reportModule, type ModuleReport } from "../../filter/report.ts";
import { printReport } from "../print-report.ts";
import { table } from "../print-table.ts";

/** `meshwright filter inspect`. The exit status is 1 when Envoy would refuse the module. */
export function inspect(file: string, { json }: { readonly json: boolean }): void {
  const report = reportModule(readModule(file), readCodeMap(file));
  printReport(json, report, () => formatReport(file, report));
  if (report.problems.length > 0) process.exitCode = 1;
}

/** The report as lines for people. */
export function formatReport(file: string, report: ModuleReport): string[] {
  const { size, abiVersion, problems, warnings, imports, exports, memory } = report;
  const lines = [`${file}: ${count(size)} bytes, ${abiVersion === null ? "no ABI version" : `ABI ${abiVersion}`}`];
  if (memory !== null) {
    const most = memory.maximum === null ? "grows as needed" : `at most ${count(memory.maximum * 64)} KiB`;
    lines.push(`memory: ${count(memory.minimum * 64)} KiB at start, ${most}`);
  }
  lines.push(
    ...section(
      "Envoy refuses it:",
      problems.map((problem) => [problem]),
    ),
  );
  lines.push(
    ...section(
      "Envoy may not do what is meant:",
      warnings.map((warning) => [warning]),
    ),
  );
  lines.push(
    ...section(
      "exports:",
      exports.map(({ name, callback }) => [name, callback ?? ""]),
    ),
  );
  lines.push(
    ...section(
      "imports:",
      imports.map((name) => [name]),
    ),
  );
  lines.push(...section("size by section:", report.sections.map(shareRow)));
  lines.push(...section("size of the code by where it comes from:", codeRows(report)));
  lines.push(...section("largest functions:", report.largest.map(shareRow)));
  return lines;
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ["", title, ...table(rows).map((line) => `  ${line}`)];
}

/** Parts that are less than this of all code are summed up. */
const SMALL = 0.01;

function codeRows({ code, size }: ModuleReport): string[][] {
  const all = code.reduce((sum, group) => sum + group.size, 0);
  if (all === 0) return size === 0 ? [] : [[noNames]];
  const row = (share: Share, indent: string): string[] => [
    count(share.size).padStart(9),
    `${((share.size * 100) / all).toFixed(1)} %`.padStart(7),
    `${indent}${share.name}`,
  ];
  return code.flatMap((group) => {
    const large = group.parts.filter(({ size }) => size >= all * SMALL);
    const rest = group.size - large.reduce((sum, { size }) => sum + size, 0);
    const parts = rest > 0 ? [...large, { name: "smaller ones", size: rest }] : large;
    return [row(group, ""), ...(parts.length > 1 ? parts.map((part) => row(part, "  ")) : [])];
  });
}

const noNames = "not known: the module has neither names nor a source map (asc --sourceMap makes one)";

function shareRow({ name, size }: Share): string[] {
  return [count(size).padStart(9), name];
}

function count(value: number): string {
  return value.toLocaleString("en");
}
