import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something holds. Fails when it does not in time. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(Date.now() < end, "it did not come so far");
    await sleep(5);
  }
}
