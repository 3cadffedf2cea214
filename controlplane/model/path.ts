/** Where a value is within a resource: keys and indices from its root. */
export type Path = readonly (string | number)[];

const plainKey = /^[A-Za-z_$][\w$-]*$/;

/** Writes a path as users write it: `spec.rules[0].matches[1].path.type`, with keys such as `["a.b"]` in quotes. */
export function formatPath(path: Path): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (!plainKey.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === "" ? segment : `.${segment}`;
  }
  return text;
}

const step = /\.?([A-Za-z_$][\w$-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;

/**
 * Reads a path at the beginning of `text`, in the form that {@link formatPath} writes.
 * Returns the path and the length of its text; the path is empty where `text` begins with none.
 */
export function parsePath(text: string): { readonly path: Path; readonly length: number } {
  const path: (string | number)[] = [];
  let end = 0;
  for (;;) {
    step.lastIndex = end;
    const match = step.exec(text);
    if (match === null) break;
    const [, key, index, quoted] = match;
    if (key !== undefined && (path.length === 0) === match[0].startsWith(".")) break;
    const segment = key ?? (index !== undefined ? Number(index) : unquote(quoted ?? ""));
    if (segment === undefined) break;
    path.push(segment);
    end = step.lastIndex;
  }
  return { path, length: end };
}

function unquote(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads an RFC 6901 JSON Pointer against the value it points into, which tells indices from keys. */
export function parsePointer(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const raw of pointer.split("/").slice(1)) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return path;
}
