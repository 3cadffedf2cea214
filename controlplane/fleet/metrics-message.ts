import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

import { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";

import { type NodeInfo, nodeInfo } from "../xds/index.ts";

/*
 * envoy.service.metrics.v3.StreamMetricsMessage and the part of io.prometheus.client.MetricFamily that Envoy fills for
 * counters and gauges. The published set of Envoy's descriptors leaves this service out, since it does not hold
 * Prometheus's. Reading it by hand also means that the thousands of statistics nobody asked for are skipped unread.
 */

export interface MetricsMessage {
  /** On the first message of a stream. */
  readonly node: NodeInfo | undefined;
  readonly stats: readonly (readonly [name: string, value: number])[];
}

/**
 * Reads a serialized `StreamMetricsMessage`: the counters and gauges whose names `keeps` accepts. Of a family with
 * several metrics (Envoy makes such only with tags as labels) the last one counts.
 *
 * @throws an Error on bytes that are none.
 */
export function readMetrics(bytes: Uint8Array, keeps: (name: string) => boolean): MetricsMessage {
  let node: NodeInfo | undefined;
  const stats: (readonly [string, number])[] = [];
  for (const [field, value] of delimitedFields(bytes)) {
    if (field === 1) node = readIdentifier(value) ?? node;
    else if (field === 2) {
      const stat = readFamily(value, keeps);
      if (stat !== undefined) stats.push(stat);
    }
  }
  return { node, stats };
}

function readIdentifier(bytes: Uint8Array): NodeInfo | undefined {
  for (const [field, value] of delimitedFields(bytes)) if (field === 1) return nodeInfo(fromBinary(NodeSchema, value));
  return undefined;
}

function readFamily(bytes: Uint8Array, keeps: (name: string) => boolean): readonly [string, number] | undefined {
  let name = "";
  let value: number | undefined;
  for (const [field, content] of delimitedFields(bytes)) {
    if (field === 1) {
      name = Buffer.from(content).toString();
      if (!keeps(name)) return undefined;
    } else if (field === 4) value = readMetric(content) ?? value;
  }
  return value === undefined || !keeps(name) ? undefined : [name, value];
}

/** The value of a gauge (field 2) or counter (field 3); both hold a double in their field 1. */
function readMetric(bytes: Uint8Array): number | undefined {
  for (const [field, content] of delimitedFields(bytes)) {
    if (field !== 2 && field !== 3) continue;
    const reader = new BinaryReader(content);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number === 1 && type === WireType.Bit64) return reader.double();
      reader.skip(type, number);
    }
    return 0;
  }
  return undefined;
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
