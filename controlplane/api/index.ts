export type { ExperimentsReport, PolicyExperiments } from "./experiments-report.ts";
export { limitsReport, type LimitReport, type LimitsReport } from "./limits-report.ts";
export type { ModulesReport } from "./modules.ts";
export { handlePlainRequest, handleRequest, routeOf, type QuotaReport } from "./handler.ts";
export type { FleetReport, RejectionGroup, StandingFilter, StandingReport } from "./fleet-report.ts";
export type { RolloutDiff, RolloutTrail } from "./rollout-details.ts";
export type { RolloutOverview, RolloutsOverview, RunOverview } from "./rollout-overview.ts";
export {
  sidecarReports,
  statusReport,
  type FilterReport,
  type HeldReport,
  type LagReport,
  type SidecarReport,
  type SidecarState,
  type StatusReport,
  type TrafficReport,
  type WithoutFiltersReport,
} from "./status-report.ts";
export type { CommandReport, RolloutCommand, RolloutHistory, RolloutsSource } from "./rollouts.ts";
export { rolloutsReport } from "./rollouts-report.ts";
export type {
  RolloutReport,
  RolloutSidecar,
  RolloutsReport,
  RunReport,
  RunSummary,
  WaveReport,
} from "./rollouts-report.ts";
export type { PlanSource } from "./plan.ts";
export type { Refusal } from "./refusal.ts";
export type { ChangeReport, History, ResourceList } from "./resources.ts";
