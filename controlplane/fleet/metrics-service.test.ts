import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  Client,
  type ClientWritableStream,
  credentials,
  Server,
  ServerCredentials,
  status as Code,
} from "@grpc/grpc-js";
import fc from "fast-check";

import { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";

import { addMetricsService, NodeStats } from "./index.ts";
import { readMetrics } from "./metrics-message.ts";

type Value =
  | { readonly gauge: number }
  | { readonly counter: number }
  | { readonly histogram: readonly (readonly [bound: number, upTo: number])[]; readonly of: number };

function field(writer: BinaryWriter, number: number, bytes: Uint8Array): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited).bytes(bytes);
}

/** A `StreamMetricsMessage`, with the fields that Envoy sets. */
function message(nodeId: string | undefined, metrics: Readonly<Record<string, Value>>): Buffer {
  const writer = new BinaryWriter();
  if (nodeId !== undefined) {
    const node = toBinary(NodeSchema, create(NodeSchema, { id: nodeId }));
    field(writer, 1, field(new BinaryWriter(), 1, node).finish());
  }
  for (const [name, value] of Object.entries(metrics)) {
    const [number, type, inner] =
      "gauge" in value
        ? [2, 1, new BinaryWriter().tag(1, WireType.Bit64).double(value.gauge).finish()]
        : "counter" in value
          ? [3, 0, new BinaryWriter().tag(1, WireType.Bit64).double(value.counter).finish()]
          : [7, 4, histogram(value.of, value.histogram)];
    const metric = field(new BinaryWriter(), number, inner).tag(6, WireType.Varint).int64(1_700_000_000_000n).finish();
    const family = field(new BinaryWriter(), 1, Buffer.from(name)).tag(3, WireType.Varint).int32(type);
    field(writer, 2, field(family, 4, metric).finish());
  }
  return Buffer.from(writer.finish());
}

function histogram(all: number, buckets: readonly (readonly [bound: number, upTo: number])[]): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Varint).uint64(all).tag(2, WireType.Bit64).double(1);
  for (const [bound, upTo] of buckets) {
    const bucket = new BinaryWriter().tag(1, WireType.Varint).uint64(upTo).tag(2, WireType.Bit64).double(bound);
    field(writer, 3, bucket.finish());
  }
  return writer.finish();
}

const all = (name: string): string => name;

test("statistics whose names are wanted are read, all else is passed over", () => {
  const bytes = message("n", {
    "wasm.a": { gauge: 4 },
    "wasm.b": { counter: 2.5 },
    "http.c": { counter: 1 },
    "http.d": { histogram: [[1, 1]], of: 1 },
  });
  const { node, counters, gauges, histograms } = readMetrics(bytes, (name) =>
    name.startsWith("wasm.") ? name : undefined,
  );
  assert.equal(node?.id, "n");
  assert.deepEqual([counters, gauges, histograms], [[["wasm.b", 2.5]], [["wasm.a", 4]], []]);
  assert.equal(readMetrics(message(undefined, {}), all).node, undefined);
});

test("buckets of a histogram, which count all up to their bounds, become ranges", () => {
  const read = (buckets: [number, number][], of: number): object | undefined =>
    readMetrics(message(undefined, { h: { histogram: buckets, of } }), all).histograms[0]?.[1];
  const buckets: [number, number][] = [
    [0.5, 0],
    [1, 2],
    [5, 2],
    [10, 5],
  ];
  const ranges = [
    { low: 0.5, width: 0.5, count: 2 },
    { low: 5, width: 5, count: 3 },
  ];
  assert.deepEqual(read(buckets, 5), ranges);
  assert.deepEqual(read(buckets, 6), [...ranges, { low: 10, width: 0, count: 1 }]);
  assert.deepEqual(read([], 0), []);
});

test("what no Envoy would say is left out", () => {
  for (const value of [-1, NaN, Infinity, 2 ** 64]) {
    assert.deepEqual(readMetrics(message(undefined, { c: { counter: value } }), all).counters, []);
    assert.deepEqual(readMetrics(message(undefined, { g: { gauge: value } }), all).gauges, []);
  }
  const bounds: [number, number][] = [
    [2, 5],
    [NaN, 6],
    [1, 7],
    [-4, 8],
    [3, 4],
    [4, 6],
    [Infinity, 9],
  ];
  assert.deepEqual(readMetrics(message(undefined, { h: { histogram: bounds, of: 1 } }), all).histograms, [
    [
      "h",
      [
        { low: 0, width: 2, count: 5 },
        { low: 3, width: 1, count: 1 },
      ],
    ],
  ]);
});

test("a message holds no more than so many statistics, and a histogram no more than so many ranges", () => {
  const many = Object.fromEntries(Array.from({ length: 12_000 }, (_, i) => [`c${i}`, { counter: 1 }]));
  assert.equal(readMetrics(message(undefined, many), all).counters.length, 10_000);
  const buckets = Array.from({ length: 1_000 }, (_, i) => [i + 1, i + 1] as const);
  const [read] = readMetrics(message(undefined, { h: { histogram: buckets, of: 500 } }), all).histograms;
  assert.equal(read?.[1].length, 500);
});

test("a value of zero, which is not on the wire, is zero", () => {
  const metric = field(new BinaryWriter(), 2, Buffer.alloc(0)).finish();
  const family = field(field(new BinaryWriter(), 1, Buffer.from("g")), 4, metric).finish();
  assert.deepEqual(readMetrics(field(new BinaryWriter(), 2, family).finish(), all).gauges, [["g", 0]]);
});

test("any bytes are read or refused with an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readMetrics(bytes, all);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 2_000 },
  );
});

const stats = new NodeStats();
const server = new Server();
let client: Client;

before(async () => {
  addMetricsService(server, stats, {
    now: () => 77,
    authorize: ({ id }) => (id === "stranger" ? "not you" : undefined),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

after(() => {
  client.close();
  server.forceShutdown();
});

function open(): ClientWritableStream<Buffer> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = client.makeClientStreamRequest(
    "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
    asIs,
    asIs,
    () => undefined,
  );
  return call;
}

async function statusOf(call: ClientWritableStream<Buffer>): Promise<Code> {
  const [{ code }] = (await once(call, "status")) as [{ code: Code }];
  return code;
}

test("what a node reports is kept with the time; the node is named once", async () => {
  const call = open();
  call.write(message("n", { "wasm.x": { gauge: 1 }, "http.y": { gauge: 1 } }));
  call.write(message(undefined, { "wasm.x": { gauge: 2 } }));
  call.end();
  assert.equal(await statusOf(call), Code.OK);
  assert.deepEqual([...stats.of("n").keys()], ["wasm.x"]);
  assert.equal(stats.of("n").get("wasm.x")?.value, 2);
  assert.equal(stats.of("n").get("wasm.x")?.at, 77);
});

for (const [what, bytes, code] of [
  ["no node", message(undefined, {}), Code.INVALID_ARGUMENT],
  ["a node without an id", message("", {}), Code.INVALID_ARGUMENT],
  ["bytes that are no message", Buffer.alloc(20, 0xff), Code.INVALID_ARGUMENT],
  ["a node it may not be", message("stranger", {}), Code.PERMISSION_DENIED],
] as const) {
  test(`${what}: the stream ends`, async () => {
    const call = open();
    call.write(bytes);
    assert.equal(await statusOf(call), code);
  });
}
