import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

import { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";

import type { Bin } from "../statistics/index.ts";
import { type NodeInfo, nodeInfo } from "../xds/index.ts";
import type { Report, Sample } from "./report.ts";

/*
 * envoy.service.metrics.v3.StreamMetricsMessage and the part of io.prometheus.client.MetricFamily that Envoy fills. The
 * published set of Envoy's descriptors leaves this service out, since it does not hold Prometheus's. Reading it by hand
 * also means that the thousands of statistics nobody asked for are skipped unread.
 */

export interface MetricsMessage extends Report {
  /** On the first message of a stream. */
  readonly node: NodeInfo | undefined;
}

/** Statistics of one message, at most; a message that has more is cut off there. */
const MAX_SAMPLES = 10_000;
/** Buckets of one histogram, at most. */
const MAX_BUCKETS = 500;

/**
 * Reads a serialized `StreamMetricsMessage`: of the statistics whose names `keeps` accepts, counters, gauges and the
 * buckets of histograms. Of a family with several metrics (Envoy makes such only with tags as labels) the last one
 * counts. A value that no statistic of Envoy can have, such as a negative one, is left out.
 *
 * @param keeps gives the name under which a statistic is kept; the same text, if at all.
 * @throws an Error on bytes that are none.
 */
export function readMetrics(bytes: Uint8Array, keeps: (name: string) => string | undefined): MetricsMessage {
  let node: NodeInfo | undefined;
  const counters: Sample[] = [];
  const gauges: Sample[] = [];
  const histograms: [string, Bin[]][] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited || field > 2) reader.skip(type, field);
    else if (field === 1) node = readIdentifier(reader.bytes()) ?? node;
    else readFamily(reader.bytes());
  }
  return { node, counters, gauges, histograms };

  function readFamily(family: Uint8Array): void {
    let name: string | undefined;
    let metric: Uint8Array | undefined;
    for (const [field, content] of delimitedFields(family)) {
      if (field === 1) {
        name = keeps(Buffer.from(content.buffer, content.byteOffset, content.length).toString());
        if (name === undefined) return;
      } else if (field === 4) metric = content;
    }
    if (name === undefined || metric === undefined) return;
    if (counters.length + gauges.length + histograms.length >= MAX_SAMPLES) return;
    for (const [field, content] of delimitedFields(metric)) {
      if (field === 7) histograms.push([name, readHistogram(content)]);
      else if (field === 2 || field === 3) {
        const value = readValue(content);
        if (isCount(value)) (field === 2 ? gauges : counters).push([name, value]);
      }
    }
  }
}

/** What a statistic of Envoy, an unsigned integer, can be. */
function isCount(value: number): boolean {
  return value >= 0 && value < 2 ** 64;
}

function readIdentifier(bytes: Uint8Array): NodeInfo | undefined {
  for (const [field, value] of delimitedFields(bytes)) if (field === 1) return nodeInfo(fromBinary(NodeSchema, value));
  return undefined;
}

/** A `Gauge` or a `Counter`: a double in field 1. */
function readValue(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Bit64) return reader.double();
    reader.skip(type, field);
  }
  return 0;
}

/** A `Histogram`: how many values there were, and how many of them up to each of several bounds. */
function readHistogram(bytes: Uint8Array): Bin[] {
  const reader = new BinaryReader(bytes);
  const bins: Bin[] = [];
  let all = 0;
  let low = 0;
  let below = 0;
  for (let buckets = 0; reader.pos < reader.len;) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) all = Number(reader.uint64());
    else if (field === 3 && type === WireType.LengthDelimited && buckets++ < MAX_BUCKETS) {
      const [bound, upTo] = readBucket(reader.bytes());
      if (!Number.isFinite(bound) || bound <= low) continue;
      if (upTo > below) bins.push({ low, width: bound - low, count: upTo - below });
      low = bound;
      below = Math.max(below, upTo);
    } else reader.skip(type, field);
  }
  // Above the last bound, nobody knows how far.
  if (all > below) bins.push({ low, width: 0, count: all - below });
  return bins;
}

function readBucket(bytes: Uint8Array): [bound: number, upTo: number] {
  const reader = new BinaryReader(bytes);
  let upTo = 0;
  let bound = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) upTo = Number(reader.uint64());
    else if (field === 2 && type === WireType.Bit64) bound = reader.double();
    else reader.skip(type, field);
  }
  return [bound, upTo];
}

/** The fields of a message that hold messages, strings or bytes; all others are passed over. */
function* delimitedFields(bytes: Uint8Array): Generator<readonly [field: number, content: Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield [field, reader.bytes()];
    else reader.skip(type, field);
  }
}
