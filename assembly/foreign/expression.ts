// Expressions of the Common Expression Language, evaluated by the host (Envoy's foreign functions `expr_create`,
// `expr_evaluate` and `expr_delete`).

import { Status } from "../abi/enums";
import { Bytes } from "../bytes";
import { Pairs } from "../properties/pairs";
import { callForeignFunction, foreignResult } from "./call";

const token: usize = memory.data(4);

/**
 * A CEL expression over Envoy's attributes, such as `request.path.startsWith("/api") && source.port > 1024`. Make it in
 * `onConfigure`, once: the host compiles it then, and keeps it until `delete` or the end of the plugin.
 *
 *     const expression = new Expression(text);
 *     if (expression.status != Status.Ok) return false;
 *
 * Envoys that are built without the CEL parser lack this: `status` is `Status.NotFound` there. Reads answer null or the given default where
 * the expression could not be made, fails (a header that is absent, say: `foreignStatus` is `InternalFailure`), or gives another type.
 */
@final
export class Expression {
  /** `Ok`; `NotFound` for a host without CEL; `BadArgument` for a text that is no CEL (Envoy logs why). */
  readonly status: Status;
  private token: u32 = 0;
  private isLive: bool = false;

  constructor(text: string) {
    const status = callForeignFunction("expr_create", Bytes.utf8(text));
    this.status = status == Status.Ok && foreignResult.size != 4 ? Status.ResultMismatch : status;
    if (this.status == Status.Ok) {
      this.token = load<u32>(foreignResult.pointer);
      this.isLive = true;
    }
  }

  /** The result in the host's form. */
  bytes(): Bytes | null {
    if (!this.isLive) return null;
    store<u32>(token, this.token);
    return callForeignFunction("expr_evaluate", Bytes.at(token, 4)) == Status.Ok ? foreignResult : null;
  }

  bool(absent: bool = false): bool {
    const value = this.bytes();
    return value === null || value.size != 1 ? absent : load<u8>(value.pointer) != 0;
  }

  /** For `int`, `duration` and `timestamp` (nanoseconds). */
  i64(absent: i64 = 0): i64 {
    return this.word(absent);
  }

  /** For `uint`. */
  u64(absent: u64 = 0): u64 {
    return this.word(absent);
  }

  /** For `double`. */
  f64(absent: f64 = 0): f64 {
    return reinterpret<f64>(this.word(reinterpret<u64>(absent)));
  }

  /** For `string`. */
  string(): string | null {
    const value = this.bytes();
    return value === null ? null : value.toString();
  }

  /** For maps and lists. */
  pairs(): Pairs | null {
    const value = this.bytes();
    return value === null ? null : Pairs.of(value);
  }

  /** Lets the host forget the expression. Reads answer as for one that could not be made, from now on. */
  delete(): Status {
    if (!this.isLive) return Status.NotFound;
    this.isLive = false;
    store<u32>(token, this.token);
    return callForeignFunction("expr_delete", Bytes.at(token, 4));
  }

  private word(absent: u64): u64 {
    const value = this.bytes();
    return value === null || value.size != 8 ? absent : load<u64>(value.pointer);
  }
}
