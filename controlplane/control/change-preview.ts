import type { Problem } from "../model/index.ts";
import type { PlannedHold, Preview } from "../rollout/index.ts";
import type { Translation, TranslationSettings } from "../translate/index.ts";
import type { Release } from "./pipeline.ts";

/** What the source says at one time, and what is served by it. */
export interface ReleaseSide {
  readonly content: Release;
  translationFor(node: string): Translation | undefined;
}

/** What would come of a change, or why it could not be served. */
export type ChangePreview =
  | {
      readonly ok: true;
      readonly before: ReleaseSide | undefined;
      readonly after: ReleaseSide;
      readonly heldBack: readonly PlannedHold[];
      readonly hasCertificates: boolean;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function previewOf(
  before: ReleaseSide | undefined,
  content: Release,
  preview: Preview,
  settings: TranslationSettings,
): ChangePreview {
  const { problems, heldBack } = preview;
  if (problems.length > 0) return { ok: false, problems };
  const after = { content, translationFor: (node: string) => preview.translationFor(node) };
  return { ok: true, before, after, heldBack, hasCertificates: settings.trustDomain !== undefined };
}
