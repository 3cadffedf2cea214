import { Counter } from "proxy-wasm-assemblyscript-sdk";

/** Counts decisions by the rule that made them; a counter is made when its rule first decides. */
@final
export class RuleCounters {
  private counters: Map<string, Counter> = new Map<string, Counter>();

  /** @param outcome `allowed` or `denied`. */
  count(rule: string, outcome: string): void {
    const name = `authz.rule.${rule}.${outcome}`;
    if (!this.counters.has(name)) this.counters.set(name, new Counter(name));
    this.counters.get(name).increment();
  }
}
