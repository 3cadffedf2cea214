import { Figures, NO_TOTALS } from "../fleet/index.ts";
import type { CheckSpec, RolloutSpec } from "../model/index.ts";
import { addCounts, Dispersion, NONE, type Count } from "../statistics/index.ts";
import { Analysis } from "./analysis.ts";
import type { Evidence } from "./evidence.ts";
import { countOf, type Listeners, requestsOf, slowFrom } from "./measure.ts";
import type { Verdict } from "./observation.ts";
import type { Backdrop, Sample, ServicePast, ServiceSample } from "./sample.ts";
import { Trail, type TrailPoint } from "./trail.ts";

/** Judges a run by what its sidecars report, Service by Service. */
export class Watch {
  readonly #spec: RolloutSpec;
  readonly #listeners: Listeners;
  readonly #analysis: Analysis;
  readonly #services = new Map<string, ServiceState>();
  readonly #trail = new Trail();
  readonly #isFirst: boolean;
  #othersTrap = false;

  /** @param isFirst it brings a filter where there was none: that can be compared with nothing that could deny requests as well. */
  constructor(spec: RolloutSpec, listeners: Listeners, isFirst = false) {
    this.#spec = spec;
    this.#listeners = listeners;
    this.#isFirst = isFirst;
    this.#analysis = new Analysis(spec.analysis);
  }

  /** Adds a window. @param backdrop as it is known by then. */
  add({ to, services, vmFailures, othersTrap }: Sample, backdrop: Backdrop): void {
    for (const [service, sample] of services) this.#compare(service, sample, backdrop);
    // Where others trap too, it is another filter.
    this.#othersTrap ||= othersTrap;
    if (!this.#othersTrap) for (const [node, count] of vmFailures) this.#analysis.addVmFailures(node, count);
    this.#trail.add(to, this.evidence);
  }

  verdict(): Verdict {
    return this.#analysis.verdict();
  }

  get evidence(): Evidence {
    return this.#analysis.evidence;
  }

  /** How the evidence came about. */
  get trail(): readonly TrailPoint[] {
    return this.#trail.points;
  }

  /** A wave was found good. */
  nextWave(): void {
    this.#analysis.nextWave();
  }

  #compare(service: string, { watched, control }: ServiceSample, { past, before }: Backdrop): void {
    const mine = new Figures(watched);
    const groups = control.map((totals) => new Figures(totals));
    const known = past.get(service);
    const state = this.#serviceOf(service, known);
    this.#analysis.addRequests(requestsOf(mine, this.#listeners));
    this.#checks.forEach((check, c) => {
      const count = (figures: Figures): Count => countOf(check, figures, this.#listeners, state.slowMs[c]);
      const counts = groups.map(count);
      if (check.metric === "Denials" && this.#isFirst) {
        this.#analysis.add(c, { watched: count(mine), control: NONE, before: NONE });
        return;
      }
      this.#analysis.add(c, {
        watched: count(mine),
        control: counts.reduce(addCounts, NONE),
        before: count(new Figures(before.get(service) ?? NO_TOTALS)),
        controlBefore: count(new Figures(known?.control ?? NO_TOTALS)),
        dispersion: state.dispersions[c]?.index,
      });
      // Of this window, so it counts from the next one on.
      state.dispersions[c]?.add(counts);
      if (check.metric === "Slow") state.slowMs[c] ??= slowFrom(merged(groups), this.#listeners, check.quantile);
    });
  }

  #serviceOf(service: string, past: ServicePast | undefined): ServiceState {
    let state = this.#services.get(service);
    if (state !== undefined) return state;
    const all = new Figures(past?.all ?? NO_TOTALS);
    const slowMs = this.#checks.map((check) =>
      check.metric === "Slow" ? slowFrom(all, this.#listeners, check.quantile) : undefined,
    );
    const dispersions = this.#checks.map((check, c) => {
      const dispersion = new Dispersion();
      for (const minute of past?.minutes ?? []) {
        dispersion.add(minute.map((totals) => countOf(check, new Figures(totals), this.#listeners, slowMs[c])));
      }
      return dispersion;
    });
    this.#services.set(service, (state = { slowMs, dispersions }));
    return state;
  }

  get #checks(): readonly CheckSpec[] {
    return this.#spec.analysis.checks;
  }
}

interface ServiceState {
  /** For each check, from when on an answer is slow. */
  readonly slowMs: (number | undefined)[];
  /** For each check, how far groups of those who have the old version differ. */
  readonly dispersions: readonly Dispersion[];
}

function merged(figures: readonly Figures[]): Figures {
  return figures.reduce((sum, one) => sum.merge(one), new Figures(NO_TOTALS));
}
