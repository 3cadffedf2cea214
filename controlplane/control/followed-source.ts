import { LastGoodStore, type Held, type LastGood } from "../isolate/index.ts";
import { formatProblem, resourcesOf, type Problem } from "../model/index.ts";
import type { Activity, ReloadStage } from "../observe/index.ts";
import type { Source } from "../source/index.ts";
import { changedResources } from "./changes.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import type { LoadedModule } from "./filter-checks.ts";
import { logHeld } from "./log-held.ts";
import type { Pipeline, Release } from "./pipeline.ts";

/** The source is faulty, and there is nothing earlier to serve. */
export class FaultySourceError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

export interface FollowedSourceSettings {
  readonly pipeline: Pipeline;
  readonly activity: Activity;
  readonly options: Pick<ControlPlaneOptions, "store" | "log">;
  readonly findModule: (sha256: string) => LoadedModule | undefined;
  /** Takes a release over, or says why not. */
  readonly adopt: (release: Release) => Promise<readonly Problem[] | undefined>;
  /** The source was read, whatever came of it. */
  readonly onRead: () => void;
  /** A release was taken over. */
  readonly onAdopted: (release: Release) => void;
}

/** What the source says, read again whenever it changes: what of it was taken over, and what is wrong with the rest. */
export class FollowedSource {
  readonly #settings: FollowedSourceSettings;
  readonly #lastGood: LastGoodStore | undefined;
  #desired: Release | undefined;
  #appliedAt: Date | undefined;
  #refused: readonly Problem[] = [];
  #held: Held = { kept: [], leftOut: [] };
  #reloading: Promise<void> | undefined;
  /** Why the source could not be read at its last reading. */
  #unread: Error | undefined;
  #isStale = false;
  #waits = false;

  constructor(settings: FollowedSourceSettings) {
    this.#settings = settings;
    const { store } = settings.options;
    this.#lastGood = store && new LastGoodStore(store, (error) => this.#notKept(error));
  }

  /** What the source says, and was taken over. */
  get desired(): Release | undefined {
    return this.#desired;
  }

  /** When that was taken over. */
  get appliedAt(): Date | undefined {
    return this.#appliedAt;
  }

  /** Whether what the source says waits for another control plane, which leads. */
  get waits(): boolean {
    return this.#waits;
  }

  /** What is wrong with the source; {@link held} is what is served in its place. */
  get refused(): readonly Problem[] {
    return this.#refused;
  }

  /** What is served in place of what is faulty. */
  get held(): Held {
    return this.#held;
  }

  /** Reads the source again, one time after another; changes while it reads lead to one more reading. */
  async reload(): Promise<void> {
    this.#isStale = true;
    this.#reloading ??= this.#reloadWhileStale();
    await this.#reloading;
  }

  /** Waits until it is read, if it is being read. */
  async settled(): Promise<void> {
    await this.#reloading;
  }

  async close(): Promise<void> {
    await this.#lastGood?.close();
  }

  /** What is wrong with a source that may come to be served; its release, if what it adds is good. */
  async check(candidate: Source): Promise<{ readonly problems: readonly Problem[]; readonly release?: Release }> {
    const known = new Set(this.#refused.map(formatProblem));
    const result = await this.#settings.pipeline.prepareAround(() => this.#findLast(), candidate);
    if (!result.ok) return result;
    // What was faulty before the change hinders no change, as long as it stays the only fault and takes nothing else with it.
    const heldBefore = new Set([...this.#held.kept, ...this.#held.leftOut].map(({ resource }) => resource));
    const taken = [...result.held.kept, ...result.held.leftOut].filter(({ resource }) => !heldBefore.has(resource));
    const isNew = taken.length > 0 || result.problems.some((problem) => !known.has(formatProblem(problem)));
    if (isNew) return { problems: [...result.problems, ...taken.flatMap(({ fault }) => fault ?? [])] };
    return { problems: [], release: result.release };
  }

  /**
   * Nothing could be taken over at the start. Applied resources with a fault, as another version of this program may find in them,
   * are mended over the API, which has to run for that.
   *
   * @param isMendable whether there are applied resources.
   * @throws FaultySourceError where only the folder can be mended, or why the source could not be read.
   */
  refuseToStart(isMendable: boolean): void {
    const { log } = this.#settings.options;
    if (this.#unread !== undefined) throw this.#unread;
    if (!isMendable) throw new FaultySourceError(this.#refused);
    for (const problem of this.#refused) log.error({ problem }, `refused: ${formatProblem(problem)}`);
    log.warn("nothing is served until the applied resources, or those of the folder, are mended");
  }

  async #reloadWhileStale(): Promise<void> {
    // Begins after its promise is kept, so that a change that the reading itself brings about starts no second loop.
    await Promise.resolve();
    while (this.#isStale) {
      this.#isStale = false;
      await this.#reload();
      this.#settings.onRead();
    }
    this.#reloading = undefined;
  }

  async #reload(): Promise<void> {
    const { log } = this.#settings.options;
    const reload = this.#settings.activity.startReload();
    try {
      this.#unread = undefined;
      const begin = (stage: ReloadStage): void => reload.stage(stage);
      const result = await this.#settings.pipeline.prepareAround(() => this.#findLast(), undefined, begin);
      const isFirst = this.#desired === undefined;
      if (!result.ok || (isFirst && result.problems.length > 0 && result.release.model.services.size === 0)) {
        reload.end("refused");
        this.#refuse(result.problems);
        return;
      }
      const changes = changedResources(this.#desired, result.release);
      const wasRefused = this.#refused.length > 0;
      if (changes.length === 0 && !isFirst) {
        this.#hold(result.held, result.problems);
        reload.end(result.problems.length === 0 ? "unchanged" : "refused");
        if (wasRefused && result.problems.length === 0) log.info("the source is good again, and as it is served");
        return;
      }
      const problems = await this.#settings.adopt(result.release);
      this.#waits = problems === undefined;
      if (problems === undefined) {
        reload.end("unchanged");
        log.info("what the source says is served once the control plane that leads has taken it over");
        return;
      }
      if (problems.length > 0) {
        reload.end("refused");
        this.#refuse(problems);
        return;
      }
      this.#hold(result.held, result.problems);
      this.#take(result.release);
      if (changes.length === 0) log.warn("there are no resources yet, so sidecars are served nothing until there are");
      else log.info({ changes }, `serving ${isFirst ? `${String(changes.length)} resources` : changes.join(", ")}`);
      reload.end("applied", changes);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#unread = failure;
      reload.end("failed");
      if (this.#desired === undefined) return;
      const what = "the source could not be read, and what was served before is still served";
      log.error({ err: failure }, `${what}: ${failure.message}`);
    }
  }

  #take(release: Release): void {
    this.#desired = release;
    this.#lastGood?.keep(release.model, release.modules);
    this.#appliedAt = new Date();
    this.#settings.onAdopted(release);
  }

  /** What was good last: what is served, or was served before this process. */
  async #findLast(): Promise<LastGood<LoadedModule>> {
    if (this.#desired !== undefined) {
      const { model, modules, certificates } = this.#desired;
      return { resources: resourcesOf(model), modules, certificates };
    }
    if (this.#lastGood === undefined) return { resources: [], modules: new Map(), certificates: new Map() };
    return this.#settings.pipeline.trusted(await this.#lastGood.read(this.#settings.findModule));
  }

  #hold(held: Held, problems: readonly Problem[]): void {
    logHeld(held, problems, this.#settings.options.log);
    this.#held = held;
    this.#refused = problems;
  }

  #refuse(problems: readonly Problem[]): void {
    const { log } = this.#settings.options;
    this.#refused = problems;
    // All is served as before, and nothing in place of something else.
    this.#held = { kept: [], leftOut: [] };
    if (this.#desired === undefined) return;
    for (const problem of problems) log.error({ problem }, `refused: ${formatProblem(problem)}`);
    log.warn("the change is refused; what was served before is still served");
  }

  #notKept(error: Error): void {
    const what = "what is good now is not kept for a start with a faulty source";
    this.#settings.options.log.warn({ err: error }, `${what}: ${error.message}`);
  }
}
