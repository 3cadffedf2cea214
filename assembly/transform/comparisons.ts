import { BinaryExpression, Compiler, IdentifierExpression, operatorTokenToString } from "assemblyscript";
import type { Expression, ReportMode } from "assemblyscript";
import { reporter } from "./report.ts";
import { isFilterSource, library } from "./sources.ts";

/** `ReportMode.Swallow` of asc: what is not understood is left to the compiler. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- asc's enums have no values at run time.
const SWALLOW: ReportMode = 0;

/**
 * Makes an error of `==` between two `Bytes`, which would compare where they lie. An overload of the operator is no way out: asc would no
 * longer see that what is compared with `null` is there. Types are only known while it compiles, so the compiler is made to look.
 */
export function checkComparisons(): void {
  if (isChecking) return;
  isChecking = true;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on the compiler below.
  const compileExpression = Compiler.prototype.compileExpression;
  Compiler.prototype.compileExpression = function (expression, ...rest) {
    if (expression instanceof BinaryExpression && isFilterSource(expression.range.source)) check(this, expression);
    return compileExpression.call(this, expression, ...rest);
  };
}

let isChecking = false;
/** A function that is compiled more than once has its faults reported once. */
const reported = new WeakSet<Expression>();

function check(compiler: Compiler, expression: BinaryExpression): void {
  const operator = operatorTokenToString(expression.operator);
  const { left, right } = expression;
  if (!/^[=!]==?$/.test(operator) || isNull(left) || isNull(right) || reported.has(expression)) return;
  if (!isBytes(compiler, left) || !isBytes(compiler, right)) return;
  reported.add(expression);
  const not = operator.startsWith("!") ? "!" : "";
  reporter(compiler)(
    expression.range,
    `${operator} on two Bytes would compare their addresses: compare what they hold with ${not}a.equals(b)`,
  );
}

function isNull(expression: Expression): boolean {
  return expression instanceof IdentifierExpression && expression.text === "null";
}

function isBytes(compiler: Compiler, expression: Expression): boolean {
  const type = compiler.resolver.resolveExpression(expression, compiler.currentFlow, undefined, SWALLOW);
  return type?.getClass()?.internalName === `${library}bytes/Bytes`;
}
