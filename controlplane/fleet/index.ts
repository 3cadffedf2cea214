export { Figures, Latency, LISTENERS, type HttpFigures, type ListenerName } from "./figures.ts";
export { Fleet, type FleetEvents, type FleetOptions, type NodeOutcome, type NodeView } from "./fleet.ts";
export { DEFAULT_PREFIXES, KeptNames } from "./kept-names.ts";
export { loadedFilters, type AcceptedFilter, type LoadedOptions, type LoadState } from "./loaded.ts";
export { addMetricsService, type MetricsServiceOptions } from "./metrics-service.ts";
export type { Report, Sample } from "./report.ts";
export type { Stat } from "./series.ts";
export { NodeStats, type StatsOptions } from "./stats.ts";
export { mergeTotals, NO_TOTALS, type GaugeTotal, type Totals } from "./totals.ts";
