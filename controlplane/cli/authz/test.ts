import { dirname, join } from "node:path";
import { compare, Explainer, formatExplanation, readRequests, type Explanation } from "../../authz/index.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import { NOT_SO } from "../fail.ts";
import { readAnswers, readText } from "../read.ts";

export interface TestFlags {
  readonly configuration?: string;
  readonly policy?: string;
  readonly jwks: readonly string[];
  readonly module?: string;
  readonly json: boolean;
}

interface Tested {
  readonly file: string;
  readonly name: string;
  /** Where it is not as expected; empty if it is. */
  readonly faults: readonly string[];
  readonly explanation: Explanation;
}

/** `meshwright authz test`. */
export async function testTables(files: readonly string[], flags: TestFlags): Promise<void> {
  const answers = await readAnswers(flags.jwks);
  const tested: Tested[] = [];
  for (const file of files) tested.push(...(await testTable(file, answers, flags)));
  const failed = tested.filter(({ faults }) => faults.length > 0);
  if (flags.json) process.stdout.write(`${JSON.stringify(tested, null, 2)}\n`);
  else {
    for (const { file, name, faults, explanation } of failed) {
      process.stdout.write(`${file}: ${name}\n${faults.map((fault) => `  ${fault}\n`).join("")}`);
      process.stdout.write(`${formatExplanation(explanation).join("\n")}\n\n`);
    }
    process.stdout.write(`${tested.length - failed.length} as expected, ${failed.length} not\n`);
  }
  if (failed.length > 0) process.exitCode = NOT_SO;
}

async function testTable(file: string, answers: Map<string, string>, flags: TestFlags): Promise<Tested[]> {
  const table = readRequests({ path: file, text: await readText(file) });
  const configuration =
    flags.configuration ?? (table.configuration === undefined ? undefined : join(dirname(file), table.configuration));
  if (configuration === undefined) throw new InputError(`${file}: it names no configuration; give --configuration`);
  const policy = flags.policy ?? table.policy;
  const explainer = await Explainer.create(await loadSubject("authz", configuration, { ...flags, policy }), answers);
  const tested: Tested[] = [];
  for (const [index, spec] of table.requests.entries()) {
    const name = spec.name ?? `requests[${index}] ${spec.request ?? "GET /"}`;
    if (spec.expect === undefined) throw new InputError(`${file}: ${name}: expect is missing`);
    const explanation = await explainer.explain(spec).catch((error: unknown) => rethrow(error, `${file}: ${name}`));
    tested.push({ file, name, faults: compare(spec.expect, explanation), explanation });
  }
  return tested;
}

function rethrow(error: unknown, where: string): never {
  throw error instanceof InputError ? new InputError(`${where}: ${error.message}`) : error;
}
