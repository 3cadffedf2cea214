// Tables of configurations that a filter and its JSON Schema are to agree on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { filterModule, schemaOf } from "./filter.ts";

/** Configurations that are good. */
export type Good = readonly [what: string, configuration: unknown];

/** Configurations that are not, and the start of a line that the filter logs. */
export interface Bad {
  readonly what: string;
  readonly configuration: unknown;
  readonly error: string;
  /** A schema cannot tell, for instance that two names must differ. */
  readonly schemaCannotTell?: boolean;
}

/** Runs both tables through the filter and through its schema. */
export function testConfigurations(filter: string, good: readonly Good[], bad: readonly Bad[]): void {
  for (const [what, configuration] of good) {
    void test(`${filter} takes ${what}`, async () => {
      const isValid = await schemaOf(filter);
      assert.ok(isValid(configuration), JSON.stringify(isValid.errors));
      assert.deepEqual(await errorsOf(filter, configuration), []);
    });
  }
  for (const { what, configuration, error, schemaCannotTell = false } of bad) {
    void test(`${filter} refuses ${what}`, async () => {
      const isValid = await schemaOf(filter);
      assert.equal(isValid(configuration), schemaCannotTell, "by the schema");
      const errors = await errorsOf(filter, configuration);
      assert.ok(
        errors.some((line) => line.startsWith(error)),
        `expected "${error}...", found:\n${errors.join("\n")}`,
      );
    });
  }
}

/** What the filter logs about a configuration that it refuses; nothing if it takes it. */
async function errorsOf(filter: string, configuration: unknown): Promise<string[]> {
  const host = await ProxyWasmHost.load(await filterModule(filter));
  try {
    const plugin = host.startPlugin({ configuration: JSON.stringify(configuration) });
    const lines = plugin.log.filter(({ level }) => level === "error").map(({ message }) => message);
    assert.equal(plugin.failure?.stage, plugin.ok ? undefined : "configure", plugin.reason);
    assert.equal(lines.length > 0, !plugin.ok, plugin.reason);
    return lines;
  } finally {
    host.close();
  }
}
