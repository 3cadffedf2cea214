import type { Problem } from "../model/index.ts";
import type { ModuleRef, Translation, TranslationSettings } from "../translate/index.ts";
import { compose, type ServedContent, translated } from "./content.ts";
import { candidatePins, type Plan, stablePins } from "./plan.ts";
import { type Run, versionFor } from "./run.ts";
import type { Version } from "./version.ts";

/** What versions are made to resources with. */
export interface Making<Module extends ModuleRef> {
  readonly settings: TranslationSettings;
  /** Finds the bytes of a module by their SHA-256. */
  readonly findModule: (sha256: string) => Module | undefined;
}

/** What is served: the stable content to most, and to those who were given a new version that. */
export class Served<Module extends ModuleRef> {
  readonly base: ServedContent<Module>;
  readonly #candidates: ReadonlyMap<string, ServedContent<Module>>;

  /** @param candidates by Rollout: what those who are given the new version of its run are served. */
  constructor(base: ServedContent<Module>, candidates: ReadonlyMap<string, ServedContent<Module>>) {
    this.base = base;
    this.#candidates = candidates;
  }

  /** All that any node may be served. */
  get contents(): readonly ServedContent<Module>[] {
    return [this.base, ...this.#candidates.values()];
  }

  get translations(): readonly Translation[] {
    return this.contents.map(({ translation }) => translation);
  }

  candidate(rollout: string): ServedContent<Module> | undefined {
    return this.#candidates.get(rollout);
  }

  /** @param runOf the latest run of a Rollout. */
  translationFor(node: string, runOf: (rollout: string) => Run | undefined): Translation {
    for (const [name, { translation }] of this.#candidates) {
      const run = runOf(name);
      if (run !== undefined && versionFor(run, node) === run.to) return translation;
    }
    return this.base.translation;
  }
}

/**
 * What is to be served by these plans, or why it cannot be.
 * @param before what is served now, from which what has not changed is taken over.
 */
export function composeServed<Module extends ModuleRef>(
  desired: ServedContent<Module>,
  plans: ReadonlyMap<string, Plan>,
  making: Making<Module>,
  before: Served<Module> | undefined,
): { readonly value?: Served<Module>; readonly problems: readonly Problem[] } {
  const base = composeOne(desired, stablePins(plans.values()), making, before?.base);
  if (!base.ok) return { problems: base.problems };
  const candidates = new Map<string, ServedContent<Module>>();
  const problems: Problem[] = [];
  for (const [name, plan] of plans) {
    if (plan.to === undefined) continue;
    const candidate = composeOne(desired, candidatePins(plans.values(), plan, plan.to), making, base.content);
    if (candidate.ok) candidates.set(name, candidate.content);
    else problems.push(...candidate.problems);
  }
  if (problems.length > 0) return { problems };
  return { value: new Served(base.content, candidates), problems };
}

/**
 * What is served where some versions hold.
 * @param like another content, from which what is the same is taken over.
 */
export function composeOne<Module extends ModuleRef>(
  desired: ServedContent<Module>,
  pins: readonly Version[],
  { settings, findModule }: Making<Module>,
  like = desired,
):
  | { readonly ok: true; readonly content: ServedContent<Module> }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  if (pins.length === 0) return { ok: true, content: desired };
  const composed = compose(desired, pins, findModule);
  if (!composed.ok) return composed;
  const content = translated(composed.content, settings, like.translation);
  // Patches fit what is served, which is another where a version holds.
  const problems = content.translation.check();
  return problems.length === 0 ? { ok: true, content } : { ok: false, problems };
}
