// What is shown to those who may look, but not change.
import { applyPatch, createTwoFilesPatch, parsePatch, reversePatch } from "diff";
import { isAlias, isMap, isScalar, parseAllDocuments, visit, type Node, type Pair } from "yaml";
import { keyOf, type Change, type Revision, type StoredResource } from "./revision.ts";

/** What stands in the place of a value. */
const HIDDEN = '"(hidden)"';
const HIDDEN_TEXT = "# (hidden)\n";

/**
 * The configurations of filters hold keys that sign cookies and tokens. Which of a configuration's values are secret only the filter
 * knows, which need not be one of ours, so all of it is hidden.
 */
const KIND = "FilterPolicy";
const hiddenFields: ReadonlySet<unknown> = new Set(["configuration", "vmConfiguration"]);

/** A resource without what may be secret. */
export function hideResource(resource: StoredResource): StoredResource {
  return resource.kind === KIND ? { ...resource, text: hideText(resource.text) } : resource;
}

/** A revision without what may be secret, in its diffs as well. */
export function hideRevision(revision: Revision): Revision {
  return { ...revision, changes: revision.changes.map(hideChange) };
}

function hideChange(change: Change): Change {
  if (change.kind !== KIND) return change;
  const { after, ...rest } = change;
  const before = textBefore(change);
  if (before === undefined) return { ...rest, diff: HIDDEN_TEXT };
  const key = keyOf(change);
  const [old, now] = [before, after?.text ?? ""].map(hideText);
  const diff = createTwoFilesPatch(key, key, old ?? "", now ?? "", undefined, undefined, { context: 3 });
  const only = old === now ? "(only hidden values differ)\n" : "";
  return { ...rest, diff: diff + only, ...(after === undefined ? {} : { after: { ...after, text: now ?? "" } }) };
}

/** A diff taken back from what became of a text; undefined if it does not fit. */
function textBefore({ diff, after }: Change): string | undefined {
  const [patch, ...more] = parsePatch(diff);
  const before = patch === undefined || more.length > 0 ? false : applyPatch(after?.text ?? "", reversePatch(patch));
  return before === false ? undefined : before;
}

/** A document of YAML without the values of these fields, and without the comments in them. All of it when in doubt. */
export function hideText(text: string): string {
  if (text === "") return text;
  const documents = parseAllDocuments(text, { uniqueKeys: false, merge: false, logLevel: "silent" });
  const [document, ...more] = Array.isArray(documents) ? documents : [];
  if (document === undefined || more.length > 0 || document.errors.length > 0) return HIDDEN_TEXT;
  const cuts: { readonly from: number; readonly to: number }[] = [];
  let isClear = true;
  visit(document, {
    // What an alias stands for is written somewhere else in the text.
    Alias: () => {
      isClear = false;
      return visit.BREAK;
    },
  });
  for (const spec of valuesOf(document.contents, new Set(["spec"]))) {
    if (!isMap(spec.value)) continue;
    for (const field of valuesOf(spec.value, hiddenFields)) {
      const [from, to] = [(field.key as Partial<Node>).range?.[1], (field.value as Partial<Node> | null)?.range?.[2]];
      if (from === undefined || to === undefined || isAlias(field.value)) isClear = false;
      else cuts.push({ from, to });
    }
  }
  if (!isClear) return HIDDEN_TEXT;
  let shown = text;
  for (const { from, to } of cuts.sort((a, b) => b.from - a.from)) {
    const [end = ""] = /(\n[ \t]*|[ \t]*)$/.exec(text.slice(from, to)) ?? [];
    shown = `${shown.slice(0, from)}: ${HIDDEN}${end}${shown.slice(to)}`;
  }
  return shown;
}

/** The pairs of a map with one of these keys: all that there are, also if a key stands there twice. */
function valuesOf(node: unknown, keys: ReadonlySet<unknown>): Pair[] {
  if (!isMap(node)) return [];
  return node.items.filter(({ key }) => isScalar(key) && keys.has(key.value));
}
