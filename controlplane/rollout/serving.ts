import type { Logger } from "pino";
import type { Problem } from "../model/index.ts";
import type { ModuleRef, Translation } from "../translate/index.ts";
import type { ServedContent } from "./content.ts";
import { describe } from "./describe.ts";
import { orphanProblems, type Plan } from "./plan.ts";
import { type Draft, draftPlan } from "./planning.ts";
import { previewOf, type Preview } from "./preview.ts";
import { intentOf, type RecordEvent, type RolloutRecord } from "./record.ts";
import type { Records } from "./records.ts";
import { versionFor, type Run, type RunEvent } from "./run.ts";
import { composeServed, type Making, type Served } from "./served.ts";

export interface ServingOptions<Module extends ModuleRef> extends Making<Module> {
  /** Makes what sidecars need besides, before anything of this content is served. */
  readonly prepare: (content: ServedContent<Module>) => Promise<void>;
  /** Is told before what is served changes, for these nodes or for all; the change waits for it. */
  readonly beforeChange: (nodes?: Iterable<string>) => Promise<void>;
  /** Is told when what is served changed, for these nodes or for all. */
  readonly onServed: (nodes?: Iterable<string>) => void;
  /** Is told of what happened to a run once that is kept. Nothing waits for it. */
  readonly onEvents?: (run: Run, events: readonly RunEvent[]) => void;
  /** Whether this control plane writes what happens to Rollouts. Default: it does; where several share a store, the one that leads does. */
  readonly leads?: () => boolean;
  /** Brings a module into this control plane, which others have. Default: each has what it needs. */
  readonly obtainModule?: (sha256: string) => Promise<void>;
  readonly log: Logger;
}

const NOT_OF_RUN: readonly RecordEvent["type"][] = ["Baseline", "Retargeted", "Removed"];

/** What is served, by what the source says and by what is kept of the Rollouts. Each event is kept before anything is done by it. */
export class Serving<Module extends ModuleRef> {
  readonly records: Records;
  readonly #options: ServingOptions<Module>;
  readonly #now: () => number;
  #plans = new Map<string, Plan>();
  #desired: ServedContent<Module> | undefined;
  #served: Served<Module> | undefined;

  constructor(options: ServingOptions<Module>, records: Records, now: () => number) {
    this.#options = options;
    this.records = records;
    this.#now = now;
  }

  /** What the source says; undefined before it was read. */
  get desired(): ServedContent<Module> | undefined {
    return this.#desired;
  }

  get served(): Served<Module> | undefined {
    return this.#served;
  }

  /** The Rollouts of the source, by name. */
  get plans(): ReadonlyMap<string, Plan> {
    return this.#plans;
  }

  /** Every plan has a record: its Baseline was kept when the plan was made. */
  recordOf({ rollout }: Plan): RolloutRecord {
    const record = this.records.get(rollout.metadata.name);
    if (record === undefined) throw new Error(`Rollout ${rollout.metadata.name} has no record`);
    return record;
  }

  /** What a node is served. */
  translationFor(node: string): Translation | undefined {
    return this.#served?.translationFor(node, (rollout) => this.records.get(rollout)?.run);
  }

  /** Why something else that the source may say could not be served. */
  async check(desired: ServedContent<Module>): Promise<readonly Problem[]> {
    return (await this.#outlook(desired)).problems;
  }

  /** What would come of something else that the source may say. */
  async preview(desired: ServedContent<Module>): Promise<Preview> {
    const { drafts, served, problems } = await this.#outlook(desired);
    return previewOf(drafts, served, problems, this.records);
  }

  /**
   * The source says something else.
   * @returns why that cannot be served, even if each resource is good; what was served before is still served then. Undefined while
   * the control plane that leads has not written what this one needs to know for it.
   */
  async adopt(desired: ServedContent<Module>): Promise<readonly Problem[] | undefined> {
    const { drafts, plans, served, problems } = await this.#outlook(desired);
    if (served === undefined || problems.length > 0) return problems;
    const gone = this.records.all.filter(({ rollout, removed }) => !removed && !plans.has(rollout));
    const isWritten = gone.length === 0 && drafts.every(({ events }) => events.length === 0);
    if (!this.#leads && !isWritten) return undefined;
    await this.#options.prepare(served.base);
    await this.#keep(drafts);
    for (const { rollout } of gone) await this.records.append(rollout, [{ type: "Removed", at: this.#now() }]);
    await this.#options.beforeChange();
    this.#desired = desired;
    this.#plans = plans;
    this.#served = served;
    if (this.#leads) await this.undoSuperseded();
    this.#options.onServed();
    return [];
  }

  /** Keeps events, and then does what they say. */
  async commit(record: RolloutRecord, events: readonly RecordEvent[]): Promise<void> {
    const before = record.run;
    const admitted = events.flatMap((event) => (event.type === "Admitted" ? event.nodes : []));
    const isBack = events.some(({ type }) => type === "RollingBack");
    if (events.some(({ type }) => type === "Promoted")) await this.#options.beforeChange();
    else await this.#options.beforeChange(isBack ? [...(before?.admitted.keys() ?? [])] : admitted);
    let run: Run | undefined;
    try {
      ({ run } = await this.records.append(record.rollout, events));
    } catch (error) {
      // What another has written is done; and so is what was kept though the store did not say so.
      await this.follow(record.rollout);
      throw error;
    }
    if (run === undefined) return;
    for (const event of events) {
      this.#options.log.info(
        { rollout: run.rollout, run: run.number, event },
        `rollout ${run.rollout}: ${describe(event)}`,
      );
    }
    const isOfRun = (event: RecordEvent): event is RunEvent => !NOT_OF_RUN.includes(event.type);
    this.#options.onEvents?.(run, events.filter(isOfRun));
    if (events.some(({ type }) => type === "Started" || type === "Promoted" || type === "RolledBack")) {
      await this.#recompose();
    }
    this.#tellServed(before, run);
  }

  /** Does what others have written about a Rollout. @returns whether there was something. */
  async follow(rollout: string): Promise<boolean> {
    const events = await this.records.unread(rollout);
    if (events.length === 0) return false;
    const before = this.records.get(rollout)?.run;
    await this.#options.beforeChange();
    const record = this.records.take(rollout, events);
    for (const event of events) this.#options.log.debug({ rollout, event }, `rollout ${rollout}: ${describe(event)}`);
    const changing: readonly RecordEvent["type"][] = ["Started", "Promoted", "RolledBack", ...NOT_OF_RUN];
    if (events.some(({ type }) => changing.includes(type))) {
      await this.#recompose();
      this.#options.onServed();
    } else if (record?.run !== undefined) this.#tellServed(before, record.run);
    return true;
  }

  #tellServed(before: Run | undefined, run: Run): void {
    if (run.phase === "Promoted") this.#options.onServed();
    else {
      const isChanged = (node: string): boolean =>
        before?.number !== run.number || versionFor(before, node) !== versionFor(run, node);
      const nodes = [...run.admitted.keys()].filter(isChanged);
      if (nodes.length > 0) this.#options.onServed(nodes);
    }
  }

  /** Runs that are for something that the source does not say any more go back. */
  async undoSuperseded(): Promise<void> {
    for (const plan of this.#plans.values()) {
      const record = this.recordOf(plan);
      if (intentOf(record, plan.desired.id, plan.rollout.spec.start) !== "supersede") continue;
      const message = "the source says something else by now";
      const reason = { kind: "Superseded", message, nodes: [] } as const;
      await this.commit(record, [{ type: "RollingBack", at: this.#now(), by: "source", reason }]);
    }
  }

  /** Composes again after a run began or ended. */
  async #recompose(): Promise<void> {
    if (this.#desired === undefined) return;
    const drafts = await this.#draft(this.#desired);
    if (this.#leads) await this.#keep(drafts);
    this.#plans = plansOf(drafts);
    const { value, problems } = composeServed(this.#desired, this.#plans, this.#options, this.#served);
    if (value === undefined) {
      this.#options.log.error({ problems }, "a version cannot be served; what was served before is still served");
      return;
    }
    this.#served = value;
  }

  /** What comes of something that the source says. Changes nothing. */
  async #outlook(desired: ServedContent<Module>): Promise<Outlook<Module>> {
    const drafts = await this.#draft(desired);
    const plans = plansOf(drafts);
    const { value, problems } = composeServed(desired, plans, this.#options, this.#served);
    return { drafts, plans, served: value, problems: [...orphanProblems(this.records.all, desired), ...problems] };
  }

  async #draft(desired: ServedContent<Module>): Promise<readonly Draft[]> {
    const drafts: Draft[] = [];
    for (const rollout of desired.model.rollouts.values()) {
      drafts.push(await draftPlan(rollout, desired, this.#served?.base, this.records, this.#now()));
    }
    await this.#obtain(drafts);
    return drafts;
  }

  /** Another control plane may have begun with a module that this one never had. */
  async #obtain(drafts: readonly Draft[]): Promise<void> {
    const versions = drafts.flatMap(({ plan: { stable, to } }) => (to === undefined ? [stable] : [stable, to]));
    for (const { module } of versions.flatMap(({ resources }) => resources)) {
      if (module === undefined || this.#options.findModule(module) !== undefined) continue;
      try {
        await this.#options.obtainModule?.(module);
      } catch (error) {
        this.#options.log.error({ err: error }, `the module ${module} of a Rollout cannot be had from the store`);
      }
    }
  }

  get #leads(): boolean {
    return this.#options.leads?.() ?? true;
  }

  async #keep(drafts: readonly Draft[]): Promise<void> {
    for (const { plan, events } of drafts) {
      if (events.length > 0) await this.records.append(plan.rollout.metadata.name, events);
    }
  }
}

interface Outlook<Module extends ModuleRef> {
  readonly drafts: readonly Draft[];
  readonly plans: Map<string, Plan>;
  readonly served: Served<Module> | undefined;
  readonly problems: readonly Problem[];
}

function plansOf(drafts: readonly Draft[]): Map<string, Plan> {
  return new Map(drafts.map(({ plan }) => [plan.rollout.metadata.name, plan]));
}
