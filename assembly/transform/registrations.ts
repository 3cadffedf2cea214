import {
  CallExpression,
  ExpressionStatement,
  IdentifierExpression,
  ImportStatement,
  PropertyAccessExpression,
  StringLiteralExpression,
} from "assemblyscript";
import type { Expression, Source, Statement } from "assemblyscript";
import type { Report } from "./report.ts";

const registration = /^register\w*Context$/;

/**
 * A filter registers its plugins at module top level, each under a root id of its own.
 * @throws Error when it registers none: there is no place to point at.
 */
export function checkRegistrations(sources: readonly Source[], report: Report): void {
  if (!sources.some(registers)) {
    const error = new Error(
      "this filter registers no plugin, so Envoy would find nothing to run: " +
        'call registerRootContext("my-filter", () => new MyFilter()) at module top level',
    );
    // asc prints the stack, which would be of no use to the filter's author.
    error.stack = error.message;
    throw error;
  }
  const seen = new Map<string, string>();
  for (const statement of sources.flatMap(({ statements }) => statements)) {
    const rootId = registeredRootId(statement);
    if (rootId === undefined) continue;
    const { source } = rootId.range;
    const place = `${source.normalizedPath}:${String(source.lineAt(rootId.range.start))}`;
    const first = seen.get(rootId.value);
    if (first === undefined) seen.set(rootId.value, place);
    else {
      const fault = `root id "${rootId.value}" is registered twice, and Envoy would only ever run the first, in ${first}`;
      report(rootId.range, `${fault}: give each plugin an id of its own`);
    }
  }
}

/** Whether a source calls a registering function somewhere, by its own name or by that of an import. */
function registers(source: Source): boolean {
  return ["register\\w*Context", ...aliases(source)].some((name) => new RegExp(`\\b${name}\\s*\\(`).test(source.text));
}

/** Other names under which a source imports registering functions. */
function aliases({ statements }: Source): string[] {
  return statements
    .flatMap((statement) => (statement instanceof ImportStatement ? (statement.declarations ?? []) : []))
    .filter(({ foreignName }) => registration.test(foreignName.text))
    .map(({ name }) => name.text);
}

/** The root id that a statement registers, where it is written as a literal. */
function registeredRootId(statement: Statement): StringLiteralExpression | undefined {
  if (!(statement instanceof ExpressionStatement) || !(statement.expression instanceof CallExpression))
    return undefined;
  const { expression, args } = statement.expression;
  const [rootId] = args;
  const callee = calleeName(expression);
  const isRegistration = registration.test(callee) || aliases(statement.range.source).includes(callee);
  return isRegistration && rootId instanceof StringLiteralExpression ? rootId : undefined;
}

function calleeName(callee: Expression): string {
  if (callee instanceof PropertyAccessExpression) return callee.property.text;
  return callee instanceof IdentifierExpression ? callee.text : "";
}
