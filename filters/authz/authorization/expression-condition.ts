import { ConfigObject, Expression, Status } from "proxy-wasm-assemblyscript-sdk";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { RequestView } from "./request-view";

/** A CEL expression that the host evaluates. What fails to give a bool is in doubt. */
@final
export class ExpressionCondition extends Condition {
  private expression: Expression;

  constructor(object: ConfigObject, text: string) {
    super("when");
    const expression = new Expression(text);
    this.expression = expression;
    if (expression.status == Status.NotFound) object.error("when", "nothing, since this host has no CEL");
    else if (expression.status != Status.Ok) object.error("when", `CEL expressions; "${text}" is none to this host`);
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const value = this.expression.bytes();
    if (value === null || value.size != 1 || value[0] > 1) return !strict;
    return value[0] == 1;
  }
}
