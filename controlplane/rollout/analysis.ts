import type { AnalysisSpec, CheckSpec } from "../model/index.ts";
import { addCounts, cautiousRate, NONE, SequentialTest, wilsonInterval, type Count } from "../statistics/index.ts";
import type { CheckEvidence, Evidence } from "./evidence.ts";
import type { Verdict } from "./observation.ts";

/** What was measured of one check in one window, of sidecars that are alike: those of one Service. */
export interface Comparison {
  /** Those who have the new version. */
  readonly watched: Count;
  /** Those who have the old version, in the same window. */
  readonly control: Count;
  /** The watched, in the time before they had the new version: used where nobody has the old one. */
  readonly before: Count;
  /** Those who have the old version, in that time: some sidecars are always worse than others, and are measured by how much more so they are now. */
  readonly controlBefore?: Count;
  /** How far groups of those who have the old version differ from one another, as {@link Dispersion} has it. */
  readonly dispersion?: number | undefined;
}

/**
 * The evidence from which on the next wave waits: a good version has it in half of the runs at most, and loses it again with more
 * requests; a bad one comes to its alarm before more sidecars get it.
 */
const DOUBT = 2;
/** By more than this no sidecar is taken to be slower than the others for good. */
const MAX_USUAL = 3;
/** Where nothing is known to compare with, neither others nor the time before, this share of errors is bad, unless the check says which is. */
const MAX_UNCOMPARED_ERRORS = 0.05;

/** Judges those who have the new version, by all that was measured since the run began. Pure. */
export class Analysis {
  readonly #spec: AnalysisSpec;
  readonly #checks: readonly CheckAnalysis[];
  #requests = 0;
  readonly #vmFailures = new Map<string, number>();

  constructor(spec: AnalysisSpec) {
    this.#spec = spec;
    this.#checks = spec.checks.map((check) => new CheckAnalysis(check, spec.falseAlarms));
  }

  /** Requests to those who have the new version. */
  addRequests(requests: number): void {
    this.#requests += requests;
  }

  /** @param check its place among the checks of the spec. */
  add(check: number, comparison: Comparison): void {
    this.#checks[check]?.add(comparison);
  }

  /** A VM of this sidecar trapped so many times. */
  addVmFailures(node: string, failures: number): void {
    if (failures > 0) this.#vmFailures.set(node, (this.#vmFailures.get(node) ?? 0) + failures);
  }

  get evidence(): Evidence {
    return {
      requests: this.#requests,
      minRequests: this.#spec.minRequests,
      checks: this.#checks.map((check) => check.evidence),
      vmFailures: Object.fromEntries(this.#vmFailures),
    };
  }

  /** What is to be said after all that was added. A wave is good only with enough requests since the last wave was. */
  verdict(): Verdict {
    const findings = this.#checks.map((check) => check.finding);
    const [[crashed] = []] = this.#vmFailures;
    if (crashed !== undefined) {
      const nodes = [...this.#vmFailures.keys()];
      const failures = [...this.#vmFailures.values()].reduce((sum, count) => sum + count, 0);
      const message = `the filter trapped ${times(failures)} in ${nodes.length === 1 ? `the sidecar ${crashed}` : `${nodes.length} sidecars`}`;
      return { kind: "Bad", findings, reason: { kind: "VmFailure", message, nodes } };
    }
    const bad = this.#checks.find((check) => check.isBad);
    if (bad !== undefined) return { kind: "Bad", findings, reason: { kind: "Worse", message: bad.finding, nodes: [] } };
    const { minRequests } = this.#spec;
    const doubts = this.#checks.filter((check) => check.isDoubtful).map((check) => `in doubt, ${check.finding}`);
    if (this.#requests >= minRequests && doubts.length === 0) return { kind: "Good", findings };
    const lack = this.#requests < minRequests ? [`${this.#requests} of ${minRequests} requests`] : [];
    return { kind: "Undecided", findings: [...lack, ...doubts, ...findings] };
  }

  /** A wave was found good: the next needs requests of its own. What was measured counts on. */
  nextWave(): void {
    this.#requests = 0;
  }
}

class CheckAnalysis {
  readonly #check: CheckSpec;
  readonly #test: SequentialTest;
  readonly #alarm: number;
  #watched: Count = NONE;
  #control: Count = NONE;
  /** Of the watched, those that could be compared with nothing. */
  #uncompared: Count = NONE;

  constructor(check: CheckSpec, falseAlarms: number) {
    this.#check = check;
    this.#test = new SequentialTest({ tolerated: check.tolerated });
    this.#alarm = 1 / falseAlarms;
  }

  add({ watched, control, before, controlBefore = NONE, dispersion = 1 }: Comparison): void {
    this.#watched = addCounts(this.#watched, watched);
    const caution = 1 / Math.max(1, dispersion);
    if (control.all > 0) {
      // A sidecar is slower for good; what failed before may be an earlier version's fault, and excuses nothing.
      const usual = this.#check.metric === "Slow" ? usualRatio(before, controlBefore) : 1;
      this.#test.add({ watched, control, usual, caution });
      this.#control = addCounts(this.#control, control);
    } else if (before.all > 0) this.#test.addAgainstRate(watched, cautiousRate(before), caution);
    else this.#uncompared = addCounts(this.#uncompared, watched);
  }

  get evidence(): CheckEvidence {
    const { name, metric } = this.#check;
    return {
      name: name ?? metric,
      metric,
      watched: this.#watched,
      control: this.#control,
      evidence: this.#test.evidence,
      alarm: this.#alarm,
      bad: this.isBad,
    };
  }

  get isBad(): boolean {
    const { minRate, maxRate } = this.#check;
    const rate = rateOf(this.#watched);
    if (rate > minRate && this.#test.evidence >= this.#alarm) return true;
    if (isAbove(this.#watched, maxRate)) return true;
    return isAbove(this.#uncompared, this.#uncomparedMax);
  }

  get #uncomparedMax(): number | undefined {
    const { metric, maxRate } = this.#check;
    return maxRate ?? (metric === "Errors" ? MAX_UNCOMPARED_ERRORS : undefined);
  }

  /** Whether it looks worse, though not by enough to say so. */
  get isDoubtful(): boolean {
    return rateOf(this.#watched) > this.#check.minRate && this.#test.evidence > DOUBT;
  }

  get finding(): string {
    const { name, metric } = this.#check;
    const maxRate = this.#uncompared.all > 0 ? this.#uncomparedMax : this.#check.maxRate;
    const against =
      this.#control.all > 0
        ? `, others ${percent(rateOf(this.#control))} of ${this.#control.all}`
        : maxRate === undefined
          ? ""
          : `, at most ${percent(maxRate)}`;
    return `${name ?? metric}: ${percent(rateOf(this.#watched))} of ${this.#watched.all} requests${against}`;
  }
}

/** How many times worse the watched certainly were than the others already before; 1 where that is not known. */
function usualRatio(watched: Count, control: Count): number {
  const [mine, theirs] = [wilsonInterval(watched), wilsonInterval(control)];
  if (mine === undefined || theirs === undefined || theirs[1] === 0) return 1;
  return Math.min(MAX_USUAL, Math.max(1, mine[0] / theirs[1]));
}

/** Whether a rate is certainly above another: not by a single failure among a few requests. */
function isAbove({ of, all }: Count, max: number | undefined): boolean {
  const interval = wilsonInterval({ of: Math.min(of, all), all });
  return max !== undefined && interval !== undefined && interval[0] > max;
}

function rateOf({ of, all }: Count): number {
  return all === 0 ? 0 : of / all;
}

function percent(rate: number): string {
  return `${Number((100 * rate).toPrecision(3))} %`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
