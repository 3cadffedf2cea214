import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { Problem } from "../model/index.ts";
import type { ModuleRef, Translation } from "../translate/index.ts";
import { type Command, type CommandResult, obey } from "./commands.ts";
import type { ServedContent } from "./content.ts";
import { FleetView } from "./fleet-view.ts";
import { versionsInReach, type VersionInReach } from "./in-reach.ts";
import type { Plan } from "./plan.ts";
import type { Preview } from "./preview.ts";
import { activeRun, intentOf, type RecordEvent, type RolloutRecord } from "./record.ts";
import { Records } from "./records.ts";
import type { PreCheck } from "./pre-check.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Run } from "./run.ts";
import { RunControl } from "./run-control.ts";
import { Serving, type ServingOptions } from "./serving.ts";
import { startEvents } from "./starting.ts";
import type { RolloutStore } from "./store.ts";
import type { Version } from "./version.ts";

export interface RolloutsOptions<Module extends ModuleRef> extends ServingOptions<Module> {
  readonly store: RolloutStore;
  readonly fleet: Fleet;
  readonly stats: NodeStats;
  /** Tries a version before the first wave of its run. Default: it is not tried. */
  readonly preCheck?: PreCheck<Module>;
  readonly now?: () => number;
  /** How often runs are looked at, in milliseconds. Default: 1 s. */
  readonly tickMs?: number;
  /** How long sidecars have to connect again after a start, before a run goes on. Default: 30 s. */
  readonly reconnectMs?: number;
}

/**
 * Stands between what the source says and what sidecars are served: holds back changes of what a Rollout targets, and brings them
 * to the sidecars by its runs. All of its steps are done one after the other, and each event is kept before anything is done by it.
 */
export class Rollouts<Module extends ModuleRef> {
  readonly #options: RolloutsOptions<Module>;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #serving: Serving<Module>;
  /** What is in memory of the latest runs. */
  readonly #runs = new Map<string, RunControl>();
  /** What is seen of the fleet where no run of this process is. */
  readonly #idleViews = new Map<string, FleetView>();
  /** Why a run that is to start has not, by Rollout. */
  readonly #blocked = new Map<string, string>();
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #closed = false;

  private constructor(options: RolloutsOptions<Module>, now: () => number, records: Records) {
    this.#options = options;
    this.#now = now;
    this.#startedAt = now();
    this.#serving = new Serving(options, records, now);
    for (const event of ["rejected", "acked"] as const) {
      options.fleet.on(event, ({ nodeId }) => this.#heard(nodeId));
    }
    for (const event of ["connected", "disconnected"] as const) options.fleet.on(event, ({ id }) => this.#heard(id));
  }

  /** Reads what is kept of earlier runs. */
  static async open<Module extends ModuleRef>(options: RolloutsOptions<Module>): Promise<Rollouts<Module>> {
    const now = options.now ?? Date.now;
    return new Rollouts(options, now, await Records.open(options.store, now()));
  }

  /** What most are served. */
  get base(): ServedContent<Module> | undefined {
    return this.#serving.served?.base;
  }

  /** All that any node may be served. */
  get translations(): readonly Translation[] {
    return this.#serving.served?.translations ?? [];
  }

  get contents(): readonly ServedContent<Module>[] {
    return this.#serving.served?.contents ?? [];
  }

  /** All that Rollouts serve, or may come to serve again. */
  versionsInReach(): Promise<readonly VersionInReach[]> {
    return versionsInReach(this.#serving.records);
  }

  /** The Rollouts of the source, by name, with all that is known of each. */
  get views(): readonly RolloutView[] {
    return [...this.#serving.plans.keys()].flatMap((name) => this.view(name) ?? []);
  }

  view(rollout: string): RolloutView | undefined {
    const plan = this.#serving.plans.get(rollout);
    const { base } = this.#serving.served ?? {};
    if (plan === undefined || base === undefined) return undefined;
    const record = this.#serving.recordOf(plan);
    const { run } = record;
    const control = run?.number === this.#runs.get(rollout)?.number ? this.#runs.get(rollout) : undefined;
    const versions = plan.to === undefined ? [plan.stable, plan.desired] : [plan.stable, plan.to];
    const view = control?.view ?? this.#idleView(rollout);
    const active = activeRun(record);
    const candidate = this.#serving.served?.candidate(rollout);
    const states =
      active === undefined || candidate === undefined
        ? view.connections()
        : view.states(active, base.translation, candidate.translation, this.#now());
    return {
      plan,
      record,
      intent: intentOf(record, plan.desired.id, plan.rollout.spec.start),
      blocked: this.#blocked.get(rollout),
      sidecars: view.sidecars(base.translation.sidecars, versions),
      states,
      evidence: control?.evidence,
      trail: control?.trail ?? [],
    };
  }

  /** All that ever happened to a Rollout, the first first. */
  log(rollout: string): Promise<readonly RecordEvent[]> {
    return this.#serving.records.log(rollout);
  }

  /** A version that a run was about. */
  version(id: string): Promise<Version> {
    return this.#serving.records.version(id);
  }

  /** What a node is served. */
  translationFor(node: string): Translation | undefined {
    return this.#serving.translationFor(node);
  }

  /** Why something else that the source may say could not be served. */
  check(desired: ServedContent<Module>): Promise<readonly Problem[]> {
    return this.#inTurn(() => this.#serving.check(desired));
  }

  /** What would come of something else that the source may say. */
  preview(desired: ServedContent<Module>): Promise<Preview> {
    return this.#inTurn(() => this.#serving.preview(desired));
  }

  /**
   * The source says something else.
   * @returns why that cannot be served, even if each resource is good; what was served before is still served then.
   */
  adopt(desired: ServedContent<Module>): Promise<readonly Problem[]> {
    return this.#inTurn(async () => {
      const problems = await this.#serving.adopt(desired);
      if (problems.length === 0) this.#schedule(0);
      return problems;
    });
  }

  /** Looks at all runs now, and does what is to be done. */
  tick(): Promise<void> {
    return this.#inTurn(() => this.#tick());
  }

  /** Does what somebody asks of the run under way. */
  command(rollout: string, command: Command, by: string): Promise<CommandResult> {
    return this.#ask(rollout, async (_, record) => {
      const run = activeRun(record);
      if (run === undefined) return refuse(`no run of Rollout ${rollout} is under way`);
      const result = obey(run, command, by, this.#now());
      if (result.ok) await this.#serving.commit(record, result.events);
      return result;
    });
  }

  /** Starts a run for what the source says, also where it was rolled back before or starts by hand only. */
  start(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, async (plan, record) => {
      if (activeRun(record) !== undefined) return refuse(`a run of Rollout ${rollout} is under way already`);
      if (plan.desired.id === plan.stable.id) {
        return refuse(`all sidecars have what the source says of Rollout ${rollout} already`);
      }
      return await this.#begin(plan, plan.desired, by);
    });
  }

  /** Starts a run once more for what was rolled back. */
  retry(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, async (plan, record) => {
      if (activeRun(record) !== undefined) return refuse(`a run of Rollout ${rollout} is under way`);
      if (record.held !== plan.desired.id) {
        return refuse(`what the source says of Rollout ${rollout} was not rolled back`);
      }
      return await this.#begin(plan, plan.desired, by);
    });
  }

  /** Starts a run that goes back to the version that was stable before, and holds back what the source says now. */
  undo(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, async (plan, record) => {
      if (activeRun(record) !== undefined) {
        return refuse(`a run of Rollout ${rollout} is under way: abort it instead`);
      }
      if (record.previous === undefined) {
        return refuse(`Rollout ${rollout} has promoted nothing yet that could be undone`);
      }
      return await this.#begin(plan, await this.#serving.records.version(record.previous), by, true);
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

  #ask(rollout: string, step: (plan: Plan, record: RolloutRecord) => Promise<CommandResult>): Promise<CommandResult> {
    return this.#inTurn(async () => {
      const plan = this.#serving.plans.get(rollout);
      if (plan === undefined) return refuse(`there is no Rollout ${JSON.stringify(rollout)}`);
      const result = await step(plan, this.#serving.recordOf(plan));
      if (result.ok) this.#schedule(0);
      return result;
    });
  }

  /** Looks at all runs in so many milliseconds, or earlier. */
  #schedule(ms: number): void {
    const due = Date.now() + ms;
    if (this.#closed || this.#serving.plans.size === 0 || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.tick()
        .catch((error: unknown) => this.#options.log.error({ err: error }, "a step of the rollouts failed"))
        .finally(() => this.#schedule(this.#options.tickMs ?? 1_000));
    }, ms);
    // What is served keeps the process alive, and not the looking.
    this.#timer.unref();
  }

  /** A rejection ends a run at once, and need not wait for the next look. */
  #heard(node: string): void {
    for (const [name, control] of this.#runs) {
      if (this.#serving.records.get(name)?.run?.admitted.has(node) !== true) continue;
      control.view.forget(node);
      this.#schedule(10);
    }
  }

  async #tick(): Promise<void> {
    for (const name of this.#serving.plans.keys()) {
      const plan = this.#serving.plans.get(name);
      if (plan === undefined) continue;
      const record = this.#serving.recordOf(plan);
      const run = activeRun(record);
      if (run !== undefined) await this.#advance(plan, record, run);
      else if (intentOf(record, plan.desired.id, plan.rollout.spec.start) === "start") {
        const result = await this.#begin(plan, plan.desired, "source");
        this.#setBlocked(name, result.ok ? undefined : result.message);
      } else this.#setBlocked(name, undefined);
    }
  }

  async #advance(plan: Plan, record: RolloutRecord, run: Run): Promise<void> {
    const { base } = this;
    const candidate = this.#serving.served?.candidate(run.rollout);
    if (base === undefined || candidate === undefined || plan.to === undefined) return;
    const now = this.#now();
    let control = this.#runs.get(run.rollout);
    if (control?.number !== run.number) {
      control = new RunControl(run, [plan.stable, plan.to], this.#options, now);
      this.#runs.set(run.rollout, control);
    }
    const { preCheck } = this.#options;
    const { to } = plan;
    const before =
      preCheck &&
      control.preCheck.look(
        run,
        () => preCheck(to, candidate),
        () => this.#schedule(0),
        now,
      );
    if (before !== undefined) {
      if (before.length > 0) await this.#serving.commit(record, before);
      return;
    }
    const hadTime = now - this.#startedAt >= (this.#options.reconnectMs ?? 30_000) || run.startedAt >= this.#startedAt;
    const events = control.decide(
      run,
      { old: base.translation, fresh: candidate.translation },
      { frozen: plan.rollout.spec.frozen, hadTime },
      now,
    );
    if (events.length > 0) await this.#serving.commit(record, events);
  }

  async #begin(plan: Plan, to: Version, by: string, undo = false): Promise<CommandResult> {
    const view = this.#idleView(plan.rollout.metadata.name);
    const beginning = { plan, to, by, undo, at: this.#now() };
    const result = startEvents(beginning, this.#serving, this.#options, view);
    if (result.ok) await this.#serving.commit(this.#serving.recordOf(plan), result.events);
    return result;
  }

  #idleView(rollout: string): FleetView {
    let view = this.#idleViews.get(rollout);
    if (view === undefined) {
      this.#idleViews.set(rollout, (view = new FleetView(this.#options.fleet, this.#options.stats)));
    }
    return view;
  }

  #setBlocked(rollout: string, why: string | undefined): void {
    if (this.#blocked.get(rollout) === why) return;
    if (why === undefined) this.#blocked.delete(rollout);
    else {
      this.#blocked.set(rollout, why);
      this.#options.log.warn({ rollout }, `rollout ${rollout}: no run starts: ${why}`);
    }
  }
}

function refuse(message: string): CommandResult {
  return { ok: false, message };
}
