import type { Source } from "assemblyscript";

/** Where asc has the SDK's own sources. */
export const library = "~lib/proxy-wasm-assemblyscript-sdk/";

export function isLibrarySource(source: Source): boolean {
  return source.internalPath.startsWith(library);
}

/** Whether a source is the filter's own or a library's that it uses, other than the standard library and the SDK. */
export function isFilterSource(source: Source): boolean {
  const path = source.internalPath;
  return (
    !path.startsWith("~lib/") ||
    (path.slice("~lib/".length).includes("/") && !path.startsWith(library) && !isStandard(path))
  );
}

function isStandard(path: string): boolean {
  return /^~lib\/(rt|util|shared|bindings|compat|diagnostics)\//.test(path);
}
