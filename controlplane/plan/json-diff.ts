import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { structuredPatch } from "diff";

/** How many lines around a change are shown. */
const CONTEXT = 2;

/**
 * How two JSON values differ, line by line as `diff` writes it, in YAML: each part with the place of its first change in place of line
 * numbers, such as `@@ virtualHosts[2].routes[0] @@`. Empty when they do not differ.
 */
export function jsonDiff(before: JsonValue | undefined, after: JsonValue | undefined, context = CONTEXT): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const { hunks } = structuredPatch("", "", textOf(old), textOf(now), undefined, undefined, { context });
  return hunks
    .map(({ oldStart, newStart, lines }) => {
      const first = lines.findIndex((line) => !line.startsWith(" "));
      const [all, at] = lines[first]?.startsWith("-") === true ? [old, oldStart] : [now, newStart];
      const shown = lines.filter((line) => !line.startsWith("\\"));
      return [`@@ ${all[at - 1 + first]?.parent || "."} @@`, ...shown].join("\n");
    })
    .join("\n");
}

interface Line {
  readonly text: string;
  /** What the line is in, such as `virtualHosts[2].routes[0]`. */
  readonly parent: string;
}

function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => `${text}\n`).join("");
}

function linesOf(value: JsonValue | undefined): readonly Line[] {
  const lines: Line[] = [];
  if (value !== undefined) write(value, "", "", "", "", lines);
  return lines;
}

/**
 * Writes a value as YAML, whose scalars are those of JSON: without the commas and brackets that make a change of one line in JSON two.
 *
 * @param lead what its first line begins with.
 * @param indent what the others do.
 */
function write(value: JsonValue, lead: string, indent: string, path: string, parent: string, lines: Line[]): void {
  if (isLeaf(value)) lines.push({ text: `${lead}${JSON.stringify(value)}`, parent });
  else if (Array.isArray(value)) {
    value.forEach((item, i) =>
      write(item, `${i === 0 ? lead : indent}- `, `${indent}  `, `${path}[${i}]`, path, lines),
    );
  } else {
    Object.entries(value as JsonObject).forEach(([name, item], i) => {
      const key = `${i === 0 ? lead : indent}${isName(name) ? name : JSON.stringify(name)}:`;
      if (isLeaf(item)) lines.push({ text: `${key} ${JSON.stringify(item)}`, parent: path });
      else {
        lines.push({ text: key, parent: path });
        write(item, `${indent}  `, `${indent}  `, child(path, name), path, lines);
      }
    });
  }
}

/** What is written on one line. */
function isLeaf(value: JsonValue): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

/** Whether YAML reads it as the text that it is. */
function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && !/^(null|true|false)$/i.test(name);
}

function child(path: string, name: string): string {
  if (!isName(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
