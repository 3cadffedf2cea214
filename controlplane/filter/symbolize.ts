import { inspectModule } from "@meshwright/host";
import { CodeMap, type Place } from "./code-map.ts";
import { readFunctionNames, withFunctionNames } from "./wasm/names.ts";
import { readFunctionBodies, readSections, type FunctionBody } from "./wasm/sections.ts";

/** A line of the backtrace that Envoy logs when a filter traps: number, position in the module, name of the function. */
const frame = /^(\s*\d+:\s+)0x([0-9a-f]+) - (.+)$/;

/** Puts places in the sources into what Envoy says about one module. */
export class Symbolizer {
  readonly #map: CodeMap;
  readonly #bodies: readonly FunctionBody[];

  /** @param sourceMap the map that belongs to exactly these bytes. */
  constructor(module: Uint8Array, sourceMap: string) {
    this.#map = CodeMap.parse(sourceMap);
    this.#bodies = bodiesOf(module);
  }

  /** A line of a log; one of a backtrace with the place instead of the position, any other as it is. */
  line(text: string): string {
    const match = frame.exec(text);
    if (match === null) return text;
    const [, number = "", hex = "", name = ""] = match;
    const place = this.locate(Number.parseInt(hex, 16));
    return `${number}${shortName(splitPlace(name)[0])}${place === undefined ? "" : ` at ${formatPlace(place)}`}`;
  }

  /** The place of an instruction by its position in the module. */
  locate(offset: number): Place | undefined {
    const body = this.#bodies.find(({ start, end }) => start <= offset && offset < end);
    return body === undefined ? undefined : this.#map.locate(offset, body.start);
  }
}

/**
 * A module whose functions are called `name@file:line`, after where their code begins. Envoy's log of a trap then tells the place
 * in the source without any tool.
 */
export function nameWithPlaces(module: Uint8Array, sourceMap: string): Uint8Array {
  const map = CodeMap.parse(sourceMap);
  const names = readFunctionNames(module);
  for (const body of bodiesOf(module)) {
    const name = names.get(body.index);
    const place = map.beginning(body);
    if (name !== undefined && place !== undefined)
      names.set(body.index, `${shortName(name)}@${place.file}:${String(place.line)}`);
  }
  return withFunctionNames(module, names);
}

export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${String(line)}:${String(column)}`;
}

function bodiesOf(module: Uint8Array): FunctionBody[] {
  const imported = inspectModule(module).imports.filter(({ kind }) => kind === "function").length;
  return readFunctionBodies(module, readSections(module), imported);
}

/** asc's name of a function without the path of its file: `assembly/index/Greeter#onLog` is `Greeter#onLog`. */
export function shortName(name: string): string {
  const [bare, place] = splitPlace(name);
  const head = bare.split("<", 1)[0] ?? "";
  return bare.slice(head.lastIndexOf("/") + 1) + place;
}

/** A name, and the `@file:line` that `nameWithPlaces` puts after it. */
function splitPlace(name: string): readonly [name: string, place: string] {
  const at = /@[^@]+:\d+$/.exec(name)?.index ?? name.length;
  return [name.slice(0, at), name.slice(at)];
}
