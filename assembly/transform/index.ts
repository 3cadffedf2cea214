// The asc transform of the SDK: exports exactly the callbacks that a filter overrides, because Envoy enters the module for
// each callback that it finds exported. It also sets the compiler options that every filter needs.

import type { Parser, Program, Source } from "assemblyscript";
import { always } from "./callbacks.ts";
import { overriddenCallbacks } from "./classes.ts";

const library = "~lib/proxy-wasm-assemblyscript-sdk/";
/** `Runtime.Minimal` of asc, whose enums have no values at run time: a collection happens only when the program asks. */
const MINIMAL_RUNTIME = 1;
const registration = /\bregister(Root|Http)Context\b/;

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
  }

  afterParse(parser: Parser): void {
    const sources = parser.sources.filter(isFilterSource);
    if (!sources.some((source) => registration.test(source.text))) {
      throw new Error(
        "this filter registers no plugin, so Envoy would find nothing to run: " +
          'call registerRootContext("my-filter", () => new MyFilter()) at module top level',
      );
    }
    const names = [...always, ...overriddenCallbacks(sources)].sort();
    const runtime = `${library.slice("~lib/".length)}runtime`;
    const text = `import "${runtime}/abort";\nexport { ${names.join(", ")} } from "${runtime}/exports";\n`;
    parser.parseFile(text, "meshwright-exports.ts", true);
  }
}

/** Whether a source is the filter's own or a library's that it uses, other than the standard library and the SDK. */
function isFilterSource(source: Source): boolean {
  const path = source.internalPath;
  return (
    !path.startsWith("~lib/") ||
    (path.slice("~lib/".length).includes("/") && !path.startsWith(library) && !isStandard(path))
  );
}

function isStandard(path: string): boolean {
  return /^~lib\/(rt|util|shared|bindings|compat|diagnostics)\//.test(path);
}
