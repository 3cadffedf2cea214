import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { formatFinding, importPolicies, type ImportOptions, type ImportResult } from "../import/index.ts";

export interface ImportFlags extends ImportOptions {
  readonly out?: string;
  readonly json: boolean;
  readonly allowLoss: boolean;
}

/** `meshwright import`. The exit status is 1 for an error, and for a loss that was not allowed. */
export function importFiles(files: readonly string[], flags: ImportFlags): void {
  const result = importPolicies(
    files.map((path) => ({ path, text: readFileSync(path === "-" ? 0 : path, "utf8") })),
    flags,
  );
  const isRefused = result.findings.some(({ kind }) => kind === "error" || (kind === "loss" && !flags.allowLoss));
  if (isRefused) process.exitCode = 1;
  if (!flags.json) for (const finding of result.findings) process.stderr.write(`${formatFinding(finding)}\n`);
  const imported = isRefused ? [] : result.imported;
  if (flags.out !== undefined) writeAll(flags.out, imported);
  if (flags.json) process.stdout.write(`${JSON.stringify({ imported, findings: result.findings }, null, 2)}\n`);
  else if (flags.out === undefined) print(imported);
  if (isRefused && !flags.json) {
    const hint = result.findings.some(({ kind }) => kind === "error") ? "" : " (--allow-loss writes it as it is)";
    process.stderr.write(`meshwright: nothing was written${hint}\n`);
  }
}

function print(imported: ImportResult["imported"]): void {
  const [first, second] = imported;
  if (first === undefined) return;
  const wasm = imported.flatMap((one) => (one.filter === "wasm" ? one.resources : []));
  if (imported.every(({ filter }) => filter === "wasm")) {
    process.stdout.write(asYaml(wasm));
    return;
  }
  const hasQuotas = first.filter === "ratelimit" && first.quotas.length > 0;
  if (second === undefined && !hasQuotas && first.filter !== "wasm") {
    process.stdout.write(`${JSON.stringify(first.configuration, null, 2)}\n`);
    return;
  }
  const names = [...imported.map(({ name }) => name), ...(hasQuotas ? ["quotas"] : [])].join(", ");
  process.stderr.write(`meshwright: the files make several configurations (${names}); give --out or --json\n`);
  process.exitCode = 1;
}

function writeAll(folder: string, imported: ImportResult["imported"]): void {
  mkdirSync(folder, { recursive: true });
  for (const one of imported) {
    const { name, target } = one;
    const isWasm = one.filter === "wasm";
    const file = join(folder, `${name}.${isWasm ? "yaml" : "json"}`);
    writeFileSync(file, isWasm ? asYaml(one.resources) : `${JSON.stringify(one.configuration, null, 2)}\n`);
    process.stderr.write(`${file}: ${JSON.stringify(target)}\n`);
    if (one.filter !== "ratelimit" || one.quotas.length === 0) continue;
    const quotas = join(folder, `${name}-quotas.yaml`);
    writeFileSync(quotas, asYaml(one.quotas));
    process.stderr.write(`${quotas}: resources for the control plane's folder\n`);
  }
}

function asYaml(resources: readonly object[]): string {
  return resources.map((resource) => stringify(resource)).join("---\n");
}
