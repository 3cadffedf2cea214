import { ClassDeclaration, ImportStatement, MethodDeclaration } from "assemblyscript";
import type { Source } from "assemblyscript";
import { callbacks } from "./callbacks.ts";

type Base = keyof typeof callbacks;

/** The callbacks that the classes of these sources override, as names of exports. */
export function overriddenCallbacks(sources: readonly Source[]): Set<string> {
  const classes = new Map<string, ClassDeclaration[]>();
  const aliases = new Map<string, string>();
  for (const source of sources) {
    for (const statement of source.statements) {
      if (statement instanceof ClassDeclaration) {
        const name = statement.name.text;
        classes.set(name, [...(classes.get(name) ?? []), statement]);
      } else if (statement instanceof ImportStatement) {
        for (const item of statement.declarations ?? []) {
          if (item.name.text !== item.foreignName.text) aliases.set(item.name.text, item.foreignName.text);
        }
      }
    }
  }

  const exports = new Set<string>();
  for (const declaration of [...classes.values()].flat()) {
    const base = baseOf(declaration, classes, aliases);
    if (base === undefined) continue;
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
  if (name === "RootContext" || name === "HttpContext") return name;
  for (const parent of classes.get(name) ?? []) {
    const base = baseOf(parent, classes, aliases, new Set([...seen, declaration]));
    if (base !== undefined) return base;
  }
  return undefined;
}
