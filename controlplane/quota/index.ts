export type { Consumption, Ranking } from "./consumption.ts";
export { addQuotaService } from "./grpc.ts";
export { LeaseService, type LeaseServiceOptions } from "./lease-service.ts";
export { LedgerError, MemoryLedger, type Ledger } from "./ledger.ts";
export { Quotas } from "./quotas.ts";
export { openRedisLedger } from "./open-redis-ledger.ts";
