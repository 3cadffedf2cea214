// The asc transform of the SDK: exports exactly the callbacks that a filter overrides, because Envoy enters the module for
// each callback that it finds exported. It also sets the compiler options that every filter needs.

import type { Parser, Program, Source } from "assemblyscript";
import { exportsSource } from "./callbacks.ts";
import { filterClasses, overriddenCallbacks } from "./classes.ts";
import { addForComposition } from "./composition.ts";
import { checkComparisons } from "./comparisons.ts";
import { checkGlobals } from "./globals.ts";
import { checkOverrides } from "./overrides.ts";
import { checkRegistrations } from "./registrations.ts";
import { reporter } from "./report.ts";
import { isFilterSource, isLibrarySource, library } from "./sources.ts";

/** `Runtime.Minimal` of asc, whose enums have no values at run time: a collection happens only when the program asks. */
const MINIMAL_RUNTIME = 1;

export default class FilterTransform {
  /** Given by asc before the constructor runs. */
  declare readonly program: Program;

  constructor() {
    const options = this.program.options;
    // Statements at module top level run here; with `_initialize` Envoy does not look for a WASI `_start`.
    options.exportStart = "_initialize";
    options.globalAliases ??= new Map();
    options.globalAliases.set("abort", `${library}runtime/abort/abort`);
    // The collector runs between callbacks, when the stack is empty: no shadow stack.
    options.stackSize = 0;
    Object.assign(options, { runtime: MINIMAL_RUNTIME });
    Object.assign(this.program.module, { useShadowStack: false });
    checkComparisons();
  }

  afterParse(parser: Parser): void {
    const sources = parser.sources.filter(isFilterSource);
    const classes = filterClasses(sources);
    const report = reporter(parser);
    checkRegistrations(sources, report);
    checkOverrides(classes, parser.sources.filter(isLibrarySource), sources, report);
    checkGlobals(sources, report);
    const bases = new Set(classes.map(({ base }) => base));
    const exported = overriddenCallbacks(classes);
    if (parser.sources.some(isComposition)) addForComposition(bases, exported, sources);
    const runtime = `${library.slice("~lib/".length)}runtime`;
    const text = exportsSource(runtime, bases, exported);
    parser.parseFile(text, "meshwright-exports.ts", true);
  }
}

function isComposition(source: Source): boolean {
  return source.internalPath === `${library}compose/index`;
}
