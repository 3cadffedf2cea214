import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** A line that a program may write to its log. */
export interface LogLine {
  /** Such as `warn`; `info or debug` where it depends. */
  readonly level: string;
  /** What differs from time to time is `…`. */
  readonly message: string;
  /** Where it is written. */
  readonly file: string;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

/** All calls of a logger in the sources under a folder, but those of tests. */
export function logLinesIn(folder: string): LogLine[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) =>
      file.endsWith(".ts") &&
      !/\.(test|d)\.ts$/.test(file) &&
      !/(^|\/)(node_modules|dist|gen|testdata|template)\//.test(file),
  );
  return files.flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(join(folder, file), "utf8"), ts.ScriptTarget.Latest, true);
    const lines: LogLine[] = [];
    const visit = (node: ts.Node): void => {
      const level = ts.isCallExpression(node) ? levelOf(node.expression) : undefined;
      if (level !== undefined) {
        // pino takes fields before the message, and the message can be alone.
        const [first, second] = (node as ts.CallExpression).arguments;
        const message = second ?? first;
        if (message !== undefined) lines.push({ level, message: textOf(message), file });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return lines;
  });
}

function levelOf(callee: ts.Expression): string | undefined {
  const isLog = (node: ts.Expression): boolean => /(^|[.#])log$/.test(node.getText());
  if (ts.isPropertyAccessExpression(callee) && isLog(callee.expression) && LEVELS.includes(callee.name.text))
    return callee.name.text;
  if (!ts.isElementAccessExpression(callee) || !isLog(callee.expression)) return undefined;
  return [...callee.argumentExpression.getText().matchAll(/"(\w+)"/g)].map(([, level]) => level).join(" or ");
}

function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    const spans = node.templateSpans.map(({ expression, literal }) => textOf(expression) + literal.text);
    return (node.head.text + spans.join("")).replace(/…+/g, "…");
  }
  const constant = ts.isIdentifier(node) ? constantOf(node) : undefined;
  return constant === undefined ? "…" : textOf(constant);
}

/** The text that a name stands for, where it is one: the nearest constant of this name around it. */
function constantOf(name: ts.Identifier): ts.Expression | undefined {
  for (let scope: ts.Node = name; !ts.isSourceFile(scope); scope = scope.parent) {
    if (!ts.isBlock(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find((one) => one.name.getText() === name.text);
      if (found !== undefined)
        return found.initializer && ts.isStringLiteralLike(found.initializer) ? found.initializer : undefined;
    }
  }
  return undefined;
}
