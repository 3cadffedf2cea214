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

type Value = { readonly gauge: number } | { readonly counter: number } | { readonly histogram: true };

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
          : [7, 4, new BinaryWriter().tag(1, WireType.Varint).uint32(3).finish()];
    const metric = field(new BinaryWriter(), number, inner).tag(6, WireType.Varint).int64(1_700_000_000_000n).finish();
    const family = field(new BinaryWriter(), 1, Buffer.from(name)).tag(3, WireType.Varint).int32(type);
    field(writer, 2, field(family, 4, metric).finish());
  }
  return Buffer.from(writer.finish());
}

test("counters and gauges whose names are wanted are read, all else is passed over", () => {
  const bytes = message("n", {
    "wasm.a": { gauge: 4 },
    "wasm.b": { counter: 2.5 },
    "wasm.c": { histogram: true },
    "http.d": { counter: 1 },
  });
  const { node, stats } = readMetrics(bytes, (name) => name.startsWith("wasm."));
  assert.equal(node?.id, "n");
  assert.deepEqual(stats, [
    ["wasm.a", 4],
    ["wasm.b", 2.5],
  ]);
  assert.equal(readMetrics(message(undefined, {}), () => true).node, undefined);
});

test("a value of zero, which is not on the wire, is zero", () => {
  const metric = field(new BinaryWriter(), 2, Buffer.alloc(0)).finish();
  const family = field(field(new BinaryWriter(), 1, Buffer.from("g")), 4, metric).finish();
  assert.deepEqual(readMetrics(field(new BinaryWriter(), 2, family).finish(), () => true).stats, [["g", 0]]);
});

test("any bytes are read or refused with an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readMetrics(bytes, () => true);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("the statistics of a node, and the nodes, are bounded in number", () => {
  const stats = new NodeStats({ prefixes: ["a"], maxPerNode: 2, maxNodes: 2 });
  stats.record(
    "n1",
    [
      ["a1", 1],
      ["b", 1],
      ["a2", 1],
      ["a3", 1],
    ],
    10,
  );
  stats.record("n1", [["a2", 5]], 20);
  assert.deepEqual(
    [...stats.of("n1")],
    [
      ["a1", { value: 1, at: 10 }],
      ["a2", { value: 5, at: 20 }],
    ],
  );
  stats.record("n2", [], 30);
  stats.record("n1", [], 40);
  stats.record("n3", [["a", 1]], 50);
  stats.record("n2", [["a", 1]], 60);
  assert.equal(stats.of("n1").size, 0, "reported longest ago");
  assert.equal(stats.of("n3").size, 1);
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
  assert.deepEqual([...stats.of("n")], [["wasm.x", { value: 2, at: 77 }]]);
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
