import type { Ledger } from "./ledger.ts";
import type { RedisLedgerOptions } from "./redis-ledger.ts";

/** The counts of quotas in Redis or Valkey. Its client is loaded only when it is needed. */
export async function openRedisLedger(options: RedisLedgerOptions): Promise<Ledger> {
  const { RedisLedger } = await import("./redis-ledger.ts");
  return RedisLedger.open(options);
}
