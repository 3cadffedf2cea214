/** A place in a source file. Lines and columns count from 1, as editors show them. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A fault in what the user wrote. */
export interface Problem extends Position {
  /** Where in the resource, such as `spec.rules[0].matches[1].path.type`; empty for the file as a whole. */
  readonly path: string;
  /** What was found and what is allowed. */
  readonly message: string;
  /** The resource that is named and is not there, as `Kind name`: it may be on its way. */
  readonly missing?: string;
}

/** Writes a problem on one line, `file:line:column: path: message`, which editors and CI systems understand. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** Orders problems by place. */
export function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
