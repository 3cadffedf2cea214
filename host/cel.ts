/**
 * Envoy's foreign functions for expressions of the Common Expression Language, over the attributes of the stream that
 * calls them. They are apart from the others because they need the package `@marcbachmann/cel-js`:
 * `foreign: celFunctions()`.
 */

import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { Duration, UnsignedInt } from "@marcbachmann/cel-js/evaluator";
import { Status } from "./abi/enums.ts";
import { toBytes, toText } from "./bytes.ts";
import type { ForeignFunction, ForeignHost } from "./foreign/registry.ts";
import { HeaderMap } from "./header-map.ts";
import { double, encodeProperty, type Property } from "./properties.ts";

/** The names that an expression may begin with. */
const NAMES = [
  ..."request response source destination connection upstream metadata filter_state upstream_filter_state xds".split(
    " ",
  ),
  ..."plugin_name plugin_root_id plugin_vm_id connection_id".split(" "),
];

interface Expressions {
  readonly byToken: Map<number, ParseResult>;
  next: number;
}

/**
 * `expr_create` (text to token), `expr_evaluate` (token to value, encoded like a property) and `expr_delete` (token). What
 * does not parse is BadArgument, what does not evaluate InternalFailure, a token that does not exist NotFound.
 */
export function celFunctions(): Readonly<Record<"expr_create" | "expr_evaluate" | "expr_delete", ForeignFunction>> {
  const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
  const machines = new WeakMap<object, Expressions>();
  const of = ({ machine }: ForeignHost): Expressions => {
    let expressions = machines.get(machine);
    if (expressions === undefined) machines.set(machine, (expressions = { byToken: new Map(), next: 0 }));
    return expressions;
  };
  return {
    expr_create(argument, host) {
      const expressions = of(host);
      let parsed: ParseResult;
      try {
        parsed = environment.parse(toText(argument));
      } catch {
        return { status: Status.BadArgument };
      }
      const token = expressions.next++;
      expressions.byToken.set(token, parsed);
      return { status: Status.Ok, result: u32(token) };
    },

    expr_evaluate(argument, host) {
      const token = tokenOf(argument);
      if (token === undefined) return { status: Status.BadArgument };
      const expression = of(host).byToken.get(token);
      if (expression === undefined) return { status: Status.NotFound };
      try {
        return { status: Status.Ok, result: encodeProperty(toProperty(expression(attributes(host)))) };
      } catch {
        return { status: Status.InternalFailure };
      }
    },

    expr_delete(argument, host) {
      const token = tokenOf(argument);
      if (token === undefined) return { status: Status.BadArgument };
      of(host).byToken.delete(token);
      return { status: Status.Ok };
    },
  };
}

function attributes(host: ForeignHost): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of NAMES) {
    const value = host.property(name);
    if (value !== undefined) found[name] = toCel(value);
  }
  return found;
}

/** Integers of CEL are bigints. */
function toCel(value: Property): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof HeaderMap) {
    return Object.fromEntries(value.entries().map(([name]) => [name, toText(value.getJoined(name) ?? toBytes(""))]));
  }
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]: [string, Property]) => [name, toCel(item)]));
}

/** Throws for a type that has no encoding. */
function toProperty(value: unknown): Property {
  if (typeof value === "number") return double(value);
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  if (value instanceof Uint8Array || value instanceof Date) return value;
  if (value instanceof UnsignedInt) return value.valueOf();
  if (value instanceof Duration) return value.seconds * 1_000_000_000n + BigInt(value.nanos);
  if (Array.isArray(value)) return value.map(toProperty);
  if (typeof value !== "object" || value === null) throw new TypeError(`a result of ${String(value)} has no encoding`);
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  return Object.fromEntries([...entries].map(([name, item]) => [String(name), toProperty(item)]));
}

function tokenOf(argument: Uint8Array): number | undefined {
  if (argument.length !== 4) return undefined;
  return new DataView(argument.buffer, argument.byteOffset).getUint32(0, true);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
