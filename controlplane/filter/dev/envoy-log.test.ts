import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { EnvoyLog, type EnvoyLine } from "./envoy-log.ts";

const text = `bad option --x
@[warning][main] There is no configured limit to the number of allowed active downstream connections.
@[info][wasm] wasm log hello a hello: read: all of it
@[critical][wasm] wasm log hello a hello: Index out of range at ~lib/array.ts:114:42
@[error][wasm] Function: proxy_on_log failed: Uncaught RuntimeError: unreachable
Proxy-Wasm plugin in-VM backtrace:
  0:  0x1973 - abort
  1:  0x3826 - A#onLog
@[warning][config] delta config: rejected
@[error][wasm] Plugin hello failed to load
@[error][wasm] Plugin configured to fail closed failed to load
@[error][config] listener: no
`;

const expected: EnvoyLine[] = [
  { kind: "fault", level: "error", message: "bad option --x" },
  { kind: "log", level: "info", message: "read: all of it" },
  { kind: "log", level: "critical", message: "Index out of range at ~lib/array.ts:114:42" },
  { kind: "trap", level: "error", message: "trap in proxy_on_log: RuntimeError: unreachable" },
  { kind: "trap", level: "error", message: "Proxy-Wasm plugin in-VM backtrace:" },
  { kind: "trap", level: "error", message: "  0:  0x1973 - abort" },
  { kind: "trap", level: "error", message: "  1:  0x3826 - A#onLog" },
  { kind: "fault", level: "error", message: "listener: no" },
];

describe("Envoy's log", () => {
  test("is what a developer wants to see", () => {
    assert.deepEqual(new EnvoyLog().push(text), expected);
  });

  test("in whatever pieces it comes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const log = new EnvoyLog();
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        assert.deepEqual(
          ends.flatMap((end, i) => log.push(text.slice(ends[i - 1] ?? 0, end))),
          expected,
        );
      }),
    );
  });
});
