import { isOneOf, MetricType, Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import type { HostCalls } from "./types.ts";

const UINT64 = 64;

/** Counters, gauges and histograms. */
export const metricCalls: HostCalls<
  "proxy_define_metric" | "proxy_increment_metric" | "proxy_record_metric" | "proxy_get_metric"
> = {
  proxy_define_metric(vm, type, name, nameSize, idPointer) {
    const text = toText(vm.memory.read(name, nameSize));
    if (!isOneOf(MetricType, type)) return Status.BadArgument;
    vm.services.quota.charge(text.length, "a metric");
    vm.memory.writeU32(idPointer, vm.metricIds.add(vm.services.metrics.define(type, text)));
    return Status.Ok;
  },

  proxy_increment_metric(vm, id, offset) {
    const type = typeOf(id);
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Status.BadArgument;
    const metric = vm.metricIds.get(id);
    if (metric === undefined) return Status.NotFound;
    if (type === MetricType.Counter && offset <= 0n) return Status.BadArgument;
    metric.value = BigInt.asUintN(UINT64, metric.value + offset);
    return Status.Ok;
  },

  // A record adds to a counter, sets a gauge, and is one more value of a histogram.
  proxy_record_metric(vm, id, value) {
    const metric = vm.metricIds.get(id);
    if (metric === undefined) return Status.NotFound;
    const amount = BigInt.asUintN(UINT64, value);
    switch (metric.type) {
      case MetricType.Counter:
        metric.value = BigInt.asUintN(UINT64, metric.value + amount);
        break;
      case MetricType.Gauge:
        metric.value = amount;
        break;
      case MetricType.Histogram:
        vm.services.quota.charge(8, "a record of a histogram");
        metric.records.push(amount);
        metric.value = BigInt(metric.records.length);
        break;
    }
    return Status.Ok;
  },

  proxy_get_metric(vm, id, result) {
    const type = typeOf(id);
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Status.BadArgument;
    const metric = vm.metricIds.get(id);
    if (metric === undefined) return Status.NotFound;
    vm.memory.writeU64(result, metric.value);
    return Status.Ok;
  },
};

/** The low two bits of an id. */
function typeOf(id: number): number {
  return id & 3;
}
