export {
  Activity,
  type ActivityEvents,
  type HttpRequest,
  type Push,
  type Reload,
  type ReloadResult,
  type ReloadStage,
  type RunningReload,
  type StreamCounts,
} from "./activity.ts";
export type { Convergence } from "./changes.ts";
export { watchRequest } from "./http.ts";
export { Metrics, type MetricsSource, type QuotaDecision } from "./metrics.ts";
