export { Fleet, type FleetEvents, type FleetOptions, type NodeOutcome, type NodeView } from "./fleet.ts";
export { loadedFilters, type AcceptedFilter, type LoadedOptions, type LoadState } from "./loaded.ts";
export { addMetricsService, type MetricsServiceOptions } from "./metrics-service.ts";
export { DEFAULT_PREFIXES, NodeStats, type Stat, type StatsOptions } from "./stats.ts";
