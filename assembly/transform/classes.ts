import { ClassDeclaration, ImportStatement, MethodDeclaration } from "assemblyscript";
import type { Source } from "assemblyscript";
import { callbacks, type Base } from "./callbacks.ts";

export type { Base } from "./callbacks.ts";

/** A class of a filter, and the class of the SDK that it extends, directly or not. */
export interface FilterClass {
  readonly declaration: ClassDeclaration;
  readonly base: Base;
}

/** The classes of these sources that extend one of the SDK's with callbacks. */
export function filterClasses(sources: readonly Source[]): FilterClass[] {
  const classes = new Map<string, ClassDeclaration[]>();
  const aliases = importAliases(sources);
  for (const source of sources) {
    for (const statement of source.statements) {
      if (!(statement instanceof ClassDeclaration)) continue;
      const name = statement.name.text;
      classes.set(name, [...(classes.get(name) ?? []), statement]);
    }
  }
  return [...classes.values()].flat().flatMap((declaration) => {
    const base = baseOf(declaration, classes, aliases);
    return base === undefined ? [] : [{ declaration, base }];
  });
}

/** The names that sources give to what they import, where they differ from its own. */
export function importAliases(sources: readonly Source[]): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const source of sources) {
    for (const statement of source.statements) {
      if (!(statement instanceof ImportStatement)) continue;
      for (const item of statement.declarations ?? []) {
        if (item.name.text !== item.foreignName.text) aliases.set(item.name.text, item.foreignName.text);
      }
    }
  }
  return aliases;
}

/** The callbacks that these classes override, as names of exports. */
export function overriddenCallbacks(classes: readonly FilterClass[]): Set<string> {
  const exports = new Set<string>();
  for (const { declaration, base } of classes) {
    for (const member of declaration.members) {
      const method = member.name.text;
      if (!(member instanceof MethodDeclaration) || !Object.hasOwn(callbacks[base], method)) continue;
      const name = callbacks[base][method];
      if (name !== undefined) exports.add(name);
    }
  }
  return exports;
}

/** Follows `extends` by name. A class of the same name elsewhere can only add an export, never take one away. */
function baseOf(
  declaration: ClassDeclaration,
  classes: ReadonlyMap<string, readonly ClassDeclaration[]>,
  aliases: ReadonlyMap<string, string>,
  seen: ReadonlySet<ClassDeclaration> = new Set(),
): Base | undefined {
  if (declaration.extendsType === null || seen.has(declaration)) return undefined;
  let identifier = declaration.extendsType.name;
  while (identifier.next !== null) identifier = identifier.next;
  const written = identifier.identifier.text;
  const name = aliases.get(written) ?? written;
  if (isBase(name)) return name;
  for (const parent of classes.get(name) ?? []) {
    const base = baseOf(parent, classes, aliases, new Set([...seen, declaration]));
    if (base !== undefined) return base;
  }
  return undefined;
}

function isBase(name: string): name is Base {
  return Object.hasOwn(callbacks, name);
}
