import type { Logger } from "pino";
import type { Metrics } from "../observe/index.ts";
import { LeaseService, type Ledger, type Quotas } from "../quota/index.ts";

/** Divides quotas, and tells of what it decided and whether it reaches the counts. */
export function leasesOf(ledger: Ledger, quotas: () => Quotas, metrics: Metrics, log: Logger): LeaseService {
  return new LeaseService({
    ledger,
    quotas,
    onDecision: (decision) => metrics.quotaDecision(decision),
    onLedger: (error) => {
      metrics.quotaStore(error === undefined);
      if (error === undefined) log.info("the counts of quotas are reached again");
      else log.error({ err: error }, `quotas go by onLoss, since their counts are not reached: ${error.message}`);
    },
  });
}
