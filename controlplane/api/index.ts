export type { ExperimentsReport, PolicyExperiments } from "./experiments-report.ts";
export { limitsReport, type LimitReport, type LimitsReport } from "./limits-report.ts";
export { handlePlainRequest, handleRequest, routeOf, type QuotaReport } from "./handler.ts";
export {
  statusReport,
  type FilterReport,
  type SidecarReport,
  type StatusReport,
  type TrafficReport,
} from "./status-report.ts";
export type { ChangeReport, History, Refusal, ResourceList } from "./resources.ts";
