import { fromBinary } from "@bufbuild/protobuf";

import { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";

import type { Bin } from "../statistics/index.ts";
import { type NodeInfo, nodeInfo } from "../xds/index.ts";
import type { Report, Sample } from "./report.ts";
import { WireReader } from "./wire.ts";

/*
 * envoy.service.metrics.v3.StreamMetricsMessage and the part of io.prometheus.client.MetricFamily that Envoy fills. The
 * published set of Envoy's descriptors leaves this service out, since it does not hold Prometheus's. Reading it by hand
 * also means that the statistics nobody asked for are skipped unread: a fleet sends thousands of these messages a second.
 */

export interface MetricsMessage extends Report {
  /** On the first message of a stream. */
  readonly node: NodeInfo | undefined;
}

/** Statistics of one message, at most; what a message has beyond is passed over. */
const MAX_SAMPLES = 10_000;
/** Buckets of one histogram, at most. */
const MAX_BUCKETS = 500;

/**
 * Reads a serialized `StreamMetricsMessage`: of the statistics whose names `keeps` accepts, counters, gauges and the
 * buckets of histograms. Of a family with several metrics (Envoy makes such only with tags as labels) all are read. A value
 * that no statistic of Envoy can have, such as a negative one, is left out.
 *
 * @param keeps gives the name under which a statistic is kept; the same text, if at all.
 * @throws an Error on bytes that are none.
 */
export function readMetrics(bytes: Uint8Array, keeps: (name: string) => string | undefined): MetricsMessage {
  const reader = new WireReader(bytes);
  let node: NodeInfo | undefined;
  const counters: Sample[] = [];
  const gauges: Sample[] = [];
  const histograms: [string, Bin[]][] = [];
  while (reader.next()) {
    if (!reader.isBytes) continue;
    const { field } = reader;
    const outer = reader.enter();
    if (field === 1) node = readIdentifier(reader) ?? node;
    else if (field === 2) readFamily();
    reader.leave(outer);
  }
  return { node, counters, gauges, histograms };

  function readFamily(): void {
    let name: string | undefined;
    while (reader.next()) {
      if (!reader.isBytes) continue;
      if (reader.field === 1) {
        name = keeps(reader.text);
        if (name === undefined) return;
      } else if (reader.field === 4 && name !== undefined) {
        // Envoy writes fields in the order of their numbers.
        const outer = reader.enter();
        readMetric(name);
        reader.leave(outer);
      }
    }
  }

  function readMetric(name: string): void {
    while (reader.next()) {
      if (!reader.isBytes || counters.length + gauges.length + histograms.length >= MAX_SAMPLES) continue;
      const { field } = reader;
      const outer = reader.enter();
      if (field === 2 || field === 3) {
        const value = readValue(reader);
        if (isCount(value)) (field === 2 ? gauges : counters).push([name, value]);
      } else if (field === 7) histograms.push([name, readHistogram(reader)]);
      reader.leave(outer);
    }
  }
}

function readIdentifier(reader: WireReader): NodeInfo | undefined {
  while (reader.next()) {
    if (reader.field === 1 && reader.isBytes) return nodeInfo(fromBinary(NodeSchema, reader.bytes));
  }
  return undefined;
}

/** A `Gauge` or a `Counter`: a double in field 1. */
function readValue(reader: WireReader): number {
  let value = 0;
  while (reader.next()) if (reader.field === 1) value = reader.double;
  return value;
}

/** What a statistic of Envoy, an unsigned integer, can be. */
function isCount(value: number): boolean {
  return value >= 0 && value < 2 ** 64;
}

/** A `Histogram`: how many values there were, and how many of them up to each of several bounds. */
function readHistogram(reader: WireReader): Bin[] {
  const bins: Bin[] = [];
  let all = 0;
  let low = 0;
  let below = 0;
  for (let buckets = 0; reader.next();) {
    if (reader.field === 1) all = reader.uint64;
    if (reader.field !== 3 || !reader.isBytes || buckets++ >= MAX_BUCKETS) continue;
    const outer = reader.enter();
    const [bound, upTo] = readBucket(reader);
    reader.leave(outer);
    if (!Number.isFinite(bound) || bound <= low) continue;
    if (upTo > below) bins.push({ low, width: bound - low, count: upTo - below });
    low = bound;
    below = Math.max(below, upTo);
  }
  // Above the last bound, nobody knows how far.
  if (all > below) bins.push({ low, width: 0, count: all - below });
  return bins;
}

function readBucket(reader: WireReader): readonly [bound: number, upTo: number] {
  let upTo = 0;
  let bound = 0;
  while (reader.next()) {
    if (reader.field === 1) upTo = reader.uint64;
    else if (reader.field === 2) bound = reader.double;
  }
  return [bound, upTo];
}
