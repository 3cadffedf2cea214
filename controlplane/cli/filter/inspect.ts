import { readModule, reportModule, type ModuleReport, type Share } from "../../filter/index.ts";
import { table } from "../print-table.ts";

/** `meshwright filter inspect`. The exit status is 1 when Envoy would refuse the module. */
export function inspect(file: string, { json }: { readonly json: boolean }): void {
  const report = reportModule(readModule(file));
  process.stdout.write(
    json ? `${JSON.stringify(report, undefined, 2)}\n` : `${formatReport(file, report).join("\n")}\n`,
  );
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
  lines.push(...section("size of the code:", report.code.map(shareRow)));
  lines.push(...section("largest functions:", report.largest.map(shareRow)));
  return lines;
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ["", title, ...table(rows).map((line) => `  ${line}`)];
}

function shareRow({ name, size }: Share): string[] {
  return [count(size).padStart(9), name];
}

function count(value: number): string {
  return value.toLocaleString("en");
}
