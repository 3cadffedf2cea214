// Metrics of the host: single ones, and families with tags.

export { CounterFamily, GaugeFamily, HistogramFamily, MetricFamily } from "./family";
export { Counter, Gauge, Histogram } from "./metric";
