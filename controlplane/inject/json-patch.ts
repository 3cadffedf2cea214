import { isDeepStrictEqual } from "node:util";

/** An operation of JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/**
 * The operations that turn one JSON value into another. Items that are new in a list are added; a list that lost items
 * is replaced as a whole.
 */
export function difference(before: unknown, after: unknown, path = ""): PatchOperation[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listDifference(before, after, path);
  if (!isObject(before) || !isObject(after)) return [{ op: "replace", path, value: after }];
  const operations: PatchOperation[] = [];
  for (const [name, value] of Object.entries(after)) {
    const at = `${path}/${pointerToken(name)}`;
    const has = Object.hasOwn(before, name);
    if (has) operations.push(...difference(before[name], value, at));
    else operations.push({ op: "add", path: at, value });
  }
  for (const name of Object.keys(before))
    if (!Object.hasOwn(after, name)) operations.push({ op: "remove", path: `${path}/${pointerToken(name)}` });
  return operations;
}

/**
 * Operations for lists of one length item by item, and for items that were put among those of before, in their order; each index counts
 * those added before it.
 */
function listDifference(before: readonly unknown[], after: readonly unknown[], path: string): PatchOperation[] {
  if (before.length === after.length)
    return before.flatMap((value, index) => difference(value, after[index], `${path}/${index}`));
  const added: PatchOperation[] = [];
  let kept = 0;
  for (const [index, value] of after.entries()) {
    if (kept < before.length && isDeepStrictEqual(before[kept], value)) kept++;
    else added.push({ op: "add", path: `${path}/${index}`, value });
  }
  return kept === before.length ? added : [{ op: "replace", path, value: after }];
}

/** The names and indices of a pointer. */
export function pointerPath(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointerToken(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
