import type { Logger } from "pino";
import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { Problem, Rollout } from "../model/index.ts";
import type { ModuleRef, Translation, TranslationSettings } from "../translate/index.ts";
import { type Command, type CommandResult, obey } from "./commands.ts";
import { compose, serve, type ServedContent } from "./content.ts";
import { covers } from "./coverage.ts";
import { describe } from "./describe.ts";
import { FleetView } from "./fleet-view.ts";
import { candidatePins, orphanProblems, type Plan, stablePins } from "./plan.ts";
import { activeRun, applyRecord, intentOf, type RolloutRecord, type RecordEvent, replayRecord } from "./record.ts";
import { type Run, versionFor } from "./run.ts";
import { RunControl } from "./run-control.ts";
import type { RolloutStore } from "./store.ts";
import { type Content, retargeted, type Version, versionOf } from "./version.ts";

export interface RolloutsOptions<Module extends ModuleRef> {
  readonly store: RolloutStore;
  readonly fleet: Fleet;
  readonly stats: NodeStats;
  readonly settings: TranslationSettings;
  /** Finds the bytes of a module by their SHA-256. */
  readonly findModule: (sha256: string) => Module | undefined;
  /** Is told before what is served changes, for these nodes or for all. */
  readonly beforeChange: (nodes?: Iterable<string>) => void;
  /** Is told when what is served changed, for these nodes or for all. */
  readonly onServed: (nodes?: Iterable<string>) => void;
  readonly log: Logger;
  readonly now?: () => number;
  /** How often runs are looked at, in milliseconds. Default: 1 s. */
  readonly tickMs?: number;
  /** How long sidecars have to connect again after a start, before a run goes on. Default: 30 s. */
  readonly reconnectMs?: number;
}

/** What is served: the stable content to most, and to those who were given a new version that. */
interface Served<Module extends ModuleRef> {
  readonly base: ServedContent<Module>;
  /** By Rollout: what those who are given the new version of its run are served. */
  readonly candidates: ReadonlyMap<string, ServedContent<Module>>;
}

/**
 * Stands between what the source says and what sidecars are served: holds back changes of what a Rollout targets, and brings them
 * to the sidecars by its runs. All of its steps are done one after the other, and each event is kept before anything is done by it.
 */
export class Rollouts<Module extends ModuleRef> {
  readonly #options: RolloutsOptions<Module>;
  readonly #now: () => number;
  readonly #startedAt: number;
  #plans = new Map<string, Plan>();
  #records = new Map<string, RolloutRecord>();
  #desired: Content<Module> | undefined;
  #served: Served<Module> | undefined;
  readonly #runs = new Map<string, RunControl>();
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: RolloutsOptions<Module>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
  }

  /** Reads what is kept of earlier runs. A run that baked bakes anew, since what was measured is lost. */
  static async open<Module extends ModuleRef>(options: RolloutsOptions<Module>): Promise<Rollouts<Module>> {
    const rollouts = new Rollouts(options);
    for (const name of await options.store.rollouts()) {
      const record = replayRecord(name, await options.store.read(name));
      if (record === undefined) continue;
      rollouts.#records.set(name, record);
      if (activeRun(record)?.settledAt === undefined) continue;
      const because = "the control plane was started again";
      await rollouts.#append(record, [{ type: "BakeRestarted", at: rollouts.#now(), because }]);
    }
    for (const event of ["rejected", "acked"] as const) {
      options.fleet.on(event, ({ nodeId }) => rollouts.#heard(nodeId));
    }
    for (const event of ["connected", "disconnected"] as const) {
      options.fleet.on(event, ({ id }) => rollouts.#heard(id));
    }
    return rollouts;
  }

  /** What most are served. */
  get base(): ServedContent<Module> | undefined {
    return this.#served?.base;
  }

  /** The Rollouts of the source with their past, by name. */
  get records(): readonly RolloutRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.rollout < b.rollout ? -1 : 1));
  }

  /** What the figures of the run under way say so far. */
  findings(rollout: string): readonly string[] {
    return this.#runs.get(rollout)?.findings ?? [];
  }

  /** What a node is served. */
  translationFor(node: string): Translation | undefined {
    const { base, candidates } = this.#served ?? {};
    for (const [name, candidate] of candidates ?? []) {
      const run = this.#records.get(name)?.run;
      if (run !== undefined && versionFor(run, node) === run.to) return candidate.translation;
    }
    return base?.translation;
  }

  /**
   * The source says something else.
   * @returns why that cannot be served, even if each resource is good; what was served before is still served then.
   */
  adopt(desired: Content<Module>): Promise<readonly Problem[]> {
    return this.#inTurn(async () => {
      const problems = orphanProblems(this.#records.values(), desired);
      const plans = new Map<string, Plan>();
      for (const rollout of desired.model.rollouts.values()) {
        plans.set(rollout.metadata.name, await this.#planOf(rollout, desired));
      }
      const served = this.#compose(desired, plans);
      problems.push(...served.problems);
      if (served.value === undefined || problems.length > 0) return problems;
      this.#options.beforeChange();
      this.#desired = desired;
      this.#plans = plans;
      this.#served = served.value;
      await this.#superseded();
      this.#options.onServed();
      this.#schedule(0);
      return [];
    });
  }

  /** Looks at all runs now, and does what is to be done. */
  tick(): Promise<void> {
    return this.#inTurn(() => this.#tick());
  }

  /** Does what somebody asks of the run under way. */
  command(rollout: string, command: Command, by: string): Promise<CommandResult> {
    return this.#inTurn(async () => {
      const record = this.#records.get(rollout);
      const run = record && activeRun(record);
      if (record === undefined) return { ok: false, message: `there is no Rollout ${JSON.stringify(rollout)}` };
      if (run === undefined) return { ok: false, message: `no run of Rollout ${rollout} is under way` };
      const result = obey(run, command, by, this.#now());
      if (!result.ok) return result;
      await this.#commit(record, result.events);
      this.#schedule(0);
      return result;
    });
  }

  /** Starts a run for what the source says, also where it was rolled back before or starts by hand only. */
  start(rollout: string, by: string): Promise<CommandResult> {
    return this.#inTurn(async () => {
      const plan = this.#plans.get(rollout);
      if (plan === undefined) return { ok: false, message: `there is no Rollout ${JSON.stringify(rollout)}` };
      if (activeRun(this.#recordOf(plan)) !== undefined)
        return { ok: false, message: `a run of Rollout ${rollout} is under way already` };
      if (plan.desired.id === plan.stable.id)
        return { ok: false, message: `all sidecars have what the source says of Rollout ${rollout} already` };
      return await this.#begin(plan, plan.desired, by);
    });
  }

  /** Starts a run that goes back to the version that was stable before, and holds back what the source says now. */
  undo(rollout: string, by: string): Promise<CommandResult> {
    return this.#inTurn(async () => {
      const plan = this.#plans.get(rollout);
      if (plan === undefined) return { ok: false, message: `there is no Rollout ${JSON.stringify(rollout)}` };
      const record = this.#recordOf(plan);
      if (activeRun(record) !== undefined)
        return { ok: false, message: `a run of Rollout ${rollout} is under way: abort it instead` };
      if (record.previous === undefined)
        return { ok: false, message: `Rollout ${rollout} has promoted nothing yet that could be undone` };
      return await this.#begin(plan, await this.#version(record.previous), by, true);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#work.then(step);
    this.#work = result.catch(() => undefined);
    return result;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#plans.size === 0) return;
    this.#timer = setTimeout(() => {
      this.tick()
        .catch((error: unknown) => this.#options.log.error({ err: error }, "a step of the rollouts failed"))
        .finally(() => this.#schedule(this.#options.tickMs ?? 1_000));
    }, ms);
  }

  /** A rejection ends a run at once, and need not wait for the next look. */
  #heard(node: string): void {
    let isOfRun = false;
    for (const [name, control] of this.#runs) {
      if (this.#records.get(name)?.run?.admitted.has(node) !== true) continue;
      control.view.forget(node);
      isOfRun = true;
    }
    if (isOfRun) this.#schedule(10);
  }

  async #planOf(rollout: Rollout, desired: Content<Module>): Promise<Plan> {
    const { store } = this.#options;
    const { name } = rollout.metadata;
    let record = this.#records.get(name);
    const run = record && activeRun(record);
    const targets = run?.spec.targetRefs ?? rollout.spec.targetRefs;
    const wanted = versionOf(targets, desired.model, desired.modules);
    await store.keepVersion(wanted);
    if (record === undefined) {
      // What sidecars have now is what a change is held against; when nothing was served yet, all get what is there.
      const base = this.#served?.base;
      const stable = base === undefined ? wanted : versionOf(targets, base.model, base.modules);
      await store.keepVersion(stable);
      record = await this.#append(undefined, [{ type: "Baseline", at: this.#now(), version: stable.id }], name);
    }
    let stable = await this.#version(record.stable);
    if (run === undefined && stable.id !== wanted.id && JSON.stringify(stable.targets) !== JSON.stringify(targets)) {
      stable = retargeted(stable, targets, wanted);
      await store.keepVersion(stable);
      await this.#append(record, [{ type: "Retargeted", at: this.#now(), version: stable.id }]);
    }
    return { rollout, desired: wanted, stable, to: run && (await this.#version(run.to)) };
  }

  /** Every plan has a record: its Baseline was kept when the plan was made. */
  #recordOf({ rollout }: Plan): RolloutRecord {
    const record = this.#records.get(rollout.metadata.name);
    if (record === undefined) throw new Error(`Rollout ${rollout.metadata.name} has no record`);
    return record;
  }

  async #version(id: string): Promise<Version> {
    const version = await this.#options.store.version(id);
    if (version === undefined) throw new Error(`the version ${id} of a Rollout is not in the store any more`);
    return version;
  }

  #compose(
    desired: Content<Module>,
    plans: ReadonlyMap<string, Plan>,
  ): { readonly value?: Served<Module>; readonly problems: Problem[] } {
    const { settings, findModule } = this.#options;
    const base = compose(desired, stablePins(plans.values()), findModule);
    if (!base.ok) return { problems: [...base.problems] };
    const candidates = new Map<string, ServedContent<Module>>();
    const problems: Problem[] = [];
    for (const [name, plan] of plans) {
      if (plan.to === undefined) continue;
      const candidate = compose(desired, candidatePins(plans.values(), plan, plan.to), findModule);
      if (candidate.ok) candidates.set(name, serve(candidate.content, settings));
      else problems.push(...candidate.problems);
    }
    return { value: { base: serve(base.content, settings), candidates }, problems };
  }

  /** Composes again after a run began or ended. */
  async #recompose(): Promise<void> {
    if (this.#desired === undefined) return;
    for (const [name, plan] of this.#plans) {
      const record = this.#recordOf(plan);
      const run = activeRun(record);
      const stable = await this.#version(record.stable);
      this.#plans.set(name, { ...plan, stable, to: run && (await this.#version(run.to)) });
    }
    const { value, problems } = this.#compose(this.#desired, this.#plans);
    if (value === undefined || problems.length > 0) {
      this.#options.log.error({ problems }, "a version cannot be served; what was served before is still served");
      return;
    }
    this.#served = value;
  }

  /** Runs that are for something that the source does not say any more go back. */
  async #superseded(): Promise<void> {
    for (const plan of this.#plans.values()) {
      const record = this.#recordOf(plan);
      if (intentOf(record, plan.desired.id, plan.rollout.spec.start) !== "supersede") continue;
      const message = "the source says something else by now";
      const reason = { kind: "Superseded", message, nodes: [] } as const;
      await this.#commit(record, [{ type: "RollingBack", at: this.#now(), by: "source", reason }]);
    }
  }

  async #tick(): Promise<void> {
    for (const name of this.#plans.keys()) {
      const plan = this.#plans.get(name);
      if (plan === undefined) continue;
      const record = this.#recordOf(plan);
      const run = activeRun(record);
      if (run !== undefined) await this.#advance(plan, record, run);
      else if (intentOf(record, plan.desired.id, plan.rollout.spec.start) === "start")
        await this.#begin(plan, plan.desired, "source");
    }
  }

  async #advance(plan: Plan, record: RolloutRecord, run: Run): Promise<void> {
    const { base, candidates } = this.#served ?? {};
    const candidate = candidates?.get(run.rollout);
    if (base === undefined || candidate === undefined || plan.to === undefined) return;
    const now = this.#now();
    let control = this.#runs.get(run.rollout);
    if (control?.number !== run.number) {
      control = new RunControl(run, [plan.stable, plan.to], this.#options, now);
      this.#runs.set(run.rollout, control);
    }
    const isSettled =
      now - this.#startedAt >= (this.#options.reconnectMs ?? 30_000) || run.startedAt >= this.#startedAt;
    const events = control.decide(
      run,
      { old: base.translation, fresh: candidate.translation },
      { frozen: plan.rollout.spec.frozen, settled: isSettled },
      now,
    );
    if (events.length > 0) await this.#commit(record, events);
  }

  async #begin(plan: Plan, to: Version, by: string, undo = false): Promise<CommandResult> {
    const base = this.#served?.base;
    if (base === undefined || this.#desired === undefined) return { ok: false, message: "nothing is served yet" };
    const { rollout, stable } = plan;
    const record = this.#recordOf(plan);
    const { name } = rollout.metadata;
    const blocker = this.#blockerOf(name, [stable, to]);
    if (blocker !== undefined) {
      return { ok: false, message: `the run of Rollout ${blocker} changes some of the same sidecars, and comes first` };
    }
    const pins = candidatePins(this.#plans.values(), plan, to);
    const composed = compose(this.#desired, pins, this.#options.findModule);
    if (!composed.ok) {
      const problems = composed.problems.map(({ message }) => message).join("; ");
      return { ok: false, message: `beside what is served otherwise it is faulty: ${problems}` };
    }
    const view = new FleetView(this.#options.fleet, this.#options.stats);
    const sidecars = view.sidecars(base.translation.sidecars.values(), [stable, to]);
    const started: RecordEvent = {
      type: "Started",
      at: this.#now(),
      rollout: name,
      run: (record.run?.number ?? 0) + 1,
      from: stable.id,
      to: to.id,
      spec: rollout.spec,
      by,
      undo,
      sidecars: sidecars.length,
      unable: sidecars.flatMap(({ node, unable }) => (unable === undefined ? [] : [{ node, reason: unable }])),
    };
    await this.#commit(record, [started]);
    this.#schedule(0);
    return { ok: true, events: [started] };
  }

  /** Another Rollout whose run changes some of the sidecars that this one is about. */
  #blockerOf(rollout: string, versions: readonly Version[]): string | undefined {
    const places = [...(this.#served?.base.translation.sidecars.values() ?? [])];
    const mine = places.filter((place) => covers(versions, place));
    for (const [name, other] of this.#plans) {
      const record = this.#records.get(name);
      if (name === rollout || record === undefined || activeRun(record) === undefined) continue;
      const theirs = [other.stable, ...(other.to === undefined ? [] : [other.to])];
      if (mine.some((place) => covers(theirs, place))) return name;
    }
    return undefined;
  }

  /** Keeps events, and then does what they say. */
  async #commit(record: RolloutRecord, events: readonly RecordEvent[]): Promise<void> {
    const before = record.run;
    const admitted = events.flatMap((event) => (event.type === "Admitted" ? event.nodes : []));
    const isBack = events.some(({ type }) => type === "RollingBack");
    if (events.some(({ type }) => type === "Promoted")) this.#options.beforeChange();
    else this.#options.beforeChange(isBack ? [...(before?.admitted.keys() ?? [])] : admitted);
    const after = await this.#append(record, events);
    const run = after.run;
    if (run === undefined) return;
    for (const event of events)
      this.#options.log.info({ rollout: run.rollout, run: run.number, event }, describe(event));
    const hasOtherContent = events.some(
      ({ type }) => type === "Started" || type === "Promoted" || type === "RolledBack",
    );
    if (hasOtherContent) await this.#recompose();
    if (run.phase === "Promoted" || run.phase === "RolledBack") this.#runs.delete(run.rollout);
    if (run.phase === "Promoted") this.#options.onServed();
    else {
      const isChanged = (node: string): boolean =>
        before?.number !== run.number || versionFor(before, node) !== versionFor(run, node);
      const nodes = [...run.admitted.keys()].filter(isChanged);
      if (nodes.length > 0) this.#options.onServed(nodes);
    }
  }

  async #append(
    record: RolloutRecord | undefined,
    events: readonly RecordEvent[],
    name = record?.rollout ?? "",
  ): Promise<RolloutRecord> {
    let after = record;
    for (const event of events) after = applyRecord(name, after, event);
    if (after === undefined) throw new Error("no event to append");
    if (!(await this.#options.store.append(name, record?.length ?? 0, events))) {
      const kept = replayRecord(name, await this.#options.store.read(name));
      if (kept !== undefined) this.#records.set(name, kept);
      throw new Error(`another control plane changed Rollout ${name}`);
    }
    this.#records.set(name, after);
    return after;
  }
}
