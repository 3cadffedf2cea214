import { checkModel, type Model, type Problem } from "../model/index.ts";
import { translate, type ModuleRef, type Translation, type TranslationSettings } from "../translate/index.ts";
import { withPins, type Content, type Version } from "./version.ts";

/** A content with its translation. */
export interface ServedContent<Module extends ModuleRef> extends Content<Module> {
  readonly translation: Translation;
}

/** The content of a model in which some versions hold, or what is wrong with it. */
export type Composition<Module extends ModuleRef> =
  | { readonly ok: true; readonly content: Content<Module> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Puts versions into a content, and checks what comes of it as a whole: a version that is still served may need something that the
 * model no longer has.
 */
export function compose<Module extends ModuleRef>(
  desired: Content<Module>,
  pins: readonly Version[],
  find: (sha256: string) => Module | undefined,
): Composition<Module> {
  if (pins.length === 0) return { ok: true, content: desired };
  const content = withPins(desired, pins, find);
  const problems = [
    // Rollouts were checked with what the source says: a target may be one that is not served yet.
    ...checkModel({ ...content.model, rollouts: new Map() }, () => false).map(explain),
    ...missingModules(content.model, pins, find),
  ];
  return problems.length === 0 ? { ok: true, content } : { ok: false, problems };
}

/** @param like a translation from which what is the same is taken over. */
export function translated<Module extends ModuleRef>(
  content: Content<Module>,
  settings: TranslationSettings,
  like: Translation,
): ServedContent<Module> {
  return { ...content, translation: translate(content.model, content.modules, settings, like) };
}

function explain(problem: Problem): Problem {
  return { ...problem, message: `${problem.message}; a version that a Rollout still serves is as it was before` };
}

function missingModules(model: Model, pins: readonly Version[], find: (sha256: string) => unknown): Problem[] {
  return pins.flatMap(({ resources }) =>
    resources.flatMap(({ metadata, module }) => {
      if (module === undefined || find(module) !== undefined) return [];
      const origin = model.filterPolicies.get(metadata.name)?.origin;
      const message = `the module ${module} of the version that is served is not in the state folder any more`;
      return origin === undefined ? [] : [origin.problem(["spec", "module"], message)];
    }),
  );
}
