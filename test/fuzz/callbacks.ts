import { CALLBACK_EXPORTS } from "@meshwright/host";
import { HostileHost } from "../support/hostile-host.ts";
import type { Subject } from "./subject.ts";
import type { Values } from "./values.ts";

const CALLBACKS = Object.entries(CALLBACK_EXPORTS).map(([name, { params }]) => ({ name, arity: params.length }));

/** A host that calls anything in any order and answers anything; each case is up to eight callbacks. */
export function startCallbacks({ module, rootIds, configurations }: Subject, values: Values): () => void {
  const { numbers } = values;
  const value = (): string | Uint8Array =>
    values.chance(8) ? values.json(values.pick(configurations, undefined)) : values.bytes();
  const host = new HostileHost(module, numbers, rootIds, value);
  host.call("proxy_on_context_create", 1, 0);
  host.call("proxy_on_configure", 1, 3);
  for (const stream of [2, 3, 4]) host.call("proxy_on_context_create", stream, 1);
  // Small, so that they meet; and the ends of the range.
  const id = (): number => (values.chance(10) ? values.pick([-1, 0x7fffffff], 0) : numbers(8));
  return () => {
    for (let n = 1 + numbers(8); n > 0; --n) {
      const { name, arity } = values.pick(CALLBACKS, { name: "proxy_on_tick", arity: 1 });
      host.call(name, ...Array.from({ length: arity }, id));
    }
  };
}
