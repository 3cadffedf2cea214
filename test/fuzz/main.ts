// Throws hostile bytes at every way into a module; see the README beside this file.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { replayCommand, runSession, SESSION_CASES, type Finding } from "./run.ts";
import { subjectOf } from "./subject.ts";
import { targets } from "./targets.ts";

const { values: flags } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    only: { type: "string", multiple: true, default: [] },
    session: { type: "string" },
  },
});

const numberOf = (flag: "cases" | "seed" | "session", text: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${flag}: expected a whole number, found "${text}"`);
  return Number(text);
};
const cases = numberOf("cases", flags.cases);
const seed = numberOf("seed", flags.seed);
const session = flags.session === undefined ? undefined : numberOf("session", flags.session);

const all = targets();
const unknown = flags.only.find((name) => !all.some((target) => target.name === name));
if (unknown !== undefined) {
  throw new Error(`--only: there is no "${unknown}"; there are ${all.map(({ name }) => name).join(", ")}`);
}
const chosen = all.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));
const sessions = session === undefined ? Math.ceil(cases / SESSION_CASES / chosen.length) : 1;

process.stdout.write(
  `seed ${String(seed)}: ${String(sessions * SESSION_CASES)} cases for each of ${String(chosen.length)} modules\n`,
);
const findings: Finding[] = [];
for (const target of chosen) {
  const subject = await subjectOf(target);
  const started = process.hrtime.bigint();
  const before = findings.length;
  for (let i = 0; i < sessions; ++i) {
    const finding = await runSession(subject, seed, session ?? i);
    if (finding === undefined) continue;
    findings.push(finding);
    process.stdout.write(`${replayCommand(finding)}    # case ${String(finding.cases)}\n${String(finding.error)}\n`);
    // More of the same tell nothing.
    if (findings.length - before === 5) break;
  }
  const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
  process.stdout.write(`${target.name}: ${String(findings.length - before)} findings in ${seconds.toFixed(1)} s\n`);
}
process.exitCode = findings.length === 0 ? 0 : 1;
