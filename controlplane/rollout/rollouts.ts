import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { Problem } from "../model/index.ts";
import type { ModuleRef, Translation } from "../translate/index.ts";
import type { Command, CommandResult } from "./commands.ts";
import type { ServedContent } from "./content.ts";
import type { FleetView } from "./fleet-view.ts";
import { versionsInReach, type VersionInReach } from "./in-reach.ts";
import { Following } from "./following.ts";
import { Looks } from "./looks.ts";
import type { Plan } from "./plan.ts";
import type { Preview } from "./preview.ts";
import { activeRun, intentOf, type RecordEvent, type RolloutRecord } from "./record.ts";
import type { Replication } from "./replication.ts";
import type { Asked } from "./requests.ts";
import type { PreCheck } from "./pre-check.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Run } from "./run.ts";
import { RunControls } from "./run-controls.ts";
import { Serving, type ServingOptions } from "./serving.ts";
import { startEvents } from "./starting.ts";
import { refuse, steer, type Steered } from "./steering.ts";
import { Telling } from "./telling.ts";
import type { RolloutStore } from "./store.ts";
import type { Version } from "./version.ts";

export interface RolloutsOptions<Module extends ModuleRef> extends ServingOptions<Module> {
  readonly store: RolloutStore;
  /** The other control planes on the same store; left out where this one is alone. */
  readonly replication?: Replication;
  /** Is told when what could not be taken over from the source may be by now, since another control plane has written something. */
  readonly onReady?: () => void;
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
  readonly #following: Following;
  readonly #telling: Telling | undefined;
  /** What the source said last was not taken over. */
  #isBehind = false;
  #readers: (() => void)[] = [];
  /** Since when it decides: since its start, or since it leads. */
  #leadsSince: number;
  readonly #serving: Serving<Module>;
  readonly #runs: RunControls;
  /** Why a run that is to start has not, by Rollout. */
  readonly #blocked = new Map<string, string>();
  readonly #looks: Looks;

  private constructor(options: RolloutsOptions<Module>, now: () => number, following: Following) {
    this.#options = options;
    this.#now = now;
    this.#following = following;
    const { replication, fleet, stats, tickMs, log } = options;
    this.#telling = replication && new Telling(replication, tickMs);
    this.#runs = new RunControls(fleet, stats, following.peers);
    const isIdle = (): boolean => replication === undefined && this.#serving.plans.size === 0;
    this.#looks = new Looks({ look: () => this.#tick(), isIdle, everyMs: tickMs, log });
    this.#leadsSince = now();
    this.#serving = new Serving({ ...options, leads: () => this.leads }, following.records, now);
    fleet.on("rejected", ({ nodeId }) => {
      this.#telling?.hurry();
      this.#heard(nodeId);
    });
    fleet.on("prewarming", (outcome) => {
      const message = outcome.kind === "prewarming" ? outcome.message : "";
      this.#heard(outcome.nodeId, (view) => view.attempted(outcome.nodeId, message, this.#now()));
    });
    fleet.on("acked", ({ nodeId }) => this.#heard(nodeId));
    for (const event of ["connected", "disconnected"] as const) fleet.on(event, ({ id }) => this.#heard(id));
    const look = (): void => this.#looks.schedule(0);
    replication?.observe({ leadChanged: look, asked: look, peersChanged: () => this.#looks.schedule(10) });
    look();
  }

  /** Reads what is kept of earlier runs. */
  static async open<Module extends ModuleRef>(options: RolloutsOptions<Module>): Promise<Rollouts<Module>> {
    const { now = Date.now, store, replication } = options;
    let wake = (): void => undefined;
    const following = await Following.open(store, replication, () => wake());
    if (replication === undefined) {
      await following.records.restartBakes(now(), "the control plane was started again");
    }
    const rollouts = new Rollouts(options, now, following);
    wake = () => rollouts.#looks.schedule(0);
    wake();
    return rollouts;
  }

  /** Whether this control plane decides: it is alone, or the one of several on one store that leads. */
  get leads(): boolean {
    return this.#following.leads;
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
    const blocked = this.leads ? this.#blocked.get(rollout) : this.#following.peers.blocked(rollout);
    return plan && this.#runs.view(plan, this.#serving, blocked, this.#now());
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
    return this.#looks.inTurn(() => this.#serving.check(desired));
  }

  /** What would come of something else that the source may say. */
  preview(desired: ServedContent<Module>): Promise<Preview> {
    return this.#looks.inTurn(() => this.#serving.preview(desired));
  }

  /**
   * The source says something else.
   * @returns why that cannot be served, even if each resource is good; what was served before is still served then. Undefined while it
   * waits for the control plane that leads: see {@link ready}.
   */
  adopt(desired: ServedContent<Module>): Promise<readonly Problem[] | undefined> {
    return this.#looks.inTurn(async () => {
      const problems = await this.#serving.adopt(desired);
      this.#isBehind = problems?.length !== 0;
      if (!this.#isBehind) this.#looks.schedule(0);
      return problems;
    });
  }

  /** Resolves when what could not be taken over may be by now. */
  ready(): Promise<void> {
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Looks at all runs now, and does what is to be done. */
  tick(): Promise<void> {
    return this.#looks.inTurn(() => this.#tick());
  }

  /** Does what somebody asks of the run under way. */
  command(rollout: string, command: Command, by: string): Promise<CommandResult> {
    return this.#ask(rollout, command, by);
  }

  /** Starts a run for what the source says, also where it was rolled back before or starts by hand only. */
  start(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, "start", by);
  }

  /** Starts a run once more for what was rolled back. */
  retry(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, "retry", by);
  }

  /** Starts a run that goes back to the version that was stable before, and holds back what the source says now. */
  undo(rollout: string, by: string): Promise<CommandResult> {
    return this.#ask(rollout, "undo", by);
  }

  close(): Promise<void> {
    return this.#looks.close(() => this.#following.close());
  }

  /** What is asked of one that does not lead, it asks of the one that does. */
  #ask(rollout: string, command: Asked, by: string): Promise<CommandResult> {
    const { replication } = this.#options;
    if (!this.leads && replication !== undefined) return replication.requests.ask({ rollout, command, by });
    return this.#looks.inTurn(() => this.#steer(rollout, command, by));
  }

  async #steer(rollout: string, command: Asked, by: string): Promise<CommandResult> {
    const plan = this.#serving.plans.get(rollout);
    if (plan === undefined) return refuse(`there is no Rollout ${JSON.stringify(rollout)}`);
    const steered: Steered = {
      commit: (record, events) => this.#serving.commit(record, events),
      begin: (...beginning) => this.#begin(...beginning),
      version: (id) => this.#serving.records.version(id),
    };
    const result = await steer({ command, by }, plan, this.#serving.recordOf(plan), steered, this.#now());
    if (result.ok) this.#looks.schedule(0);
    return result;
  }

  /** A rejection ends a run at once, and need not wait for the next look. */
  #heard(node: string, note: (view: FleetView) => void = (view) => view.forget(node)): void {
    const views = this.#runs.viewsAbout(node, (rollout) => this.#serving.records.get(rollout)?.run);
    for (const view of views) note(view);
    if (views.length > 0) this.#looks.hurry();
  }

  async #tick(): Promise<void> {
    await this.#followOthers();
    for (const name of this.#serving.plans.keys()) {
      const plan = this.#serving.plans.get(name);
      if (plan === undefined) continue;
      const record = this.#serving.recordOf(plan);
      const run = activeRun(record);
      if (run !== undefined) await this.#advance(plan, record, run);
      else if (!this.leads) continue;
      else if (intentOf(record, plan.desired.id, plan.rollout.spec.start) === "start") {
        const result = await this.#begin(plan, plan.desired, "source", false);
        this.#setBlocked(name, result.ok ? undefined : result.message);
      } else this.#setBlocked(name, undefined);
    }
    this.#tell();
  }

  async #advance(plan: Plan, record: RolloutRecord, run: Run): Promise<void> {
    const { base } = this;
    const candidate = this.#serving.served?.candidate(run.rollout);
    if (base === undefined || candidate === undefined || plan.to === undefined) return;
    const now = this.#now();
    const control = this.#runs.begun(run, [plan.stable, plan.to], now);
    const sight = await control.look(run, { old: base.translation, fresh: candidate.translation }, now);
    if (!this.leads) {
      control.follow(run);
      return;
    }
    const { preCheck } = this.#options;
    const { to } = plan;
    const before =
      preCheck &&
      control.preCheck.look(
        run,
        () => preCheck(to, candidate),
        () => this.#looks.schedule(0),
        now,
      );
    if (before !== undefined) {
      if (before.length > 0) await this.#serving.commit(record, before);
      return;
    }
    const hadTime =
      now - this.#leadsSince >= (this.#options.reconnectMs ?? 30_000) || run.startedAt >= this.#leadsSince;
    const events = control.decide(run, sight, { frozen: plan.rollout.spec.frozen, hadTime }, now);
    if (events.length > 0) await this.#serving.commit(record, events);
  }

  async #begin(plan: Plan, to: Version, by: string, undo: boolean): Promise<CommandResult> {
    const view = this.#runs.idleView(plan.rollout.metadata.name);
    const beginning = { plan, to, by, undo, at: this.#now() };
    const result = startEvents(beginning, this.#serving, this.#options, view);
    if (result.ok) await this.#serving.commit(this.#serving.recordOf(plan), result.events);
    return result;
  }

  async #followOthers(): Promise<void> {
    const hasChanged = await this.#following.step({
      serving: this.#serving,
      now: this.#now,
      startLeading: () => {
        this.#leadsSince = this.#now();
        this.#blocked.clear();
        this.#runs.startLeading();
      },
      steer: (rollout, command, by) => this.#steer(rollout, command, by),
    });
    if (!hasChanged || !this.#isBehind) return;
    this.#options.onReady?.();
    for (const resolve of this.#readers.splice(0)) resolve();
  }

  #tell(): void {
    const plans = [...this.#serving.plans.values()];
    const runs = this.#runs.latest(plans, this.#serving);
    const blocked = this.leads ? this.#blocked : undefined;
    this.#telling?.tell({ fleet: this.#options.fleet, plans, runs, blocked }, this.#now());
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
