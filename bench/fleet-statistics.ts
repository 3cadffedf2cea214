// What the statistics of a fleet cost the control plane: memory a sidecar, CPU a report, and time of a query.
//
//   node --expose-gc --import tsx --conditions=meshwright-source bench/fleet-statistics.ts [sidecars]
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { LATENCY_BOUNDS } from "../controlplane/bootstrap/histograms.ts";
import { NodeStats } from "../controlplane/fleet/index.ts";
import { readMetrics } from "../controlplane/fleet/metrics-message.ts";

const SIDECARS = Number(process.argv[2] ?? 10_000);
/** As many as a sidecar with an inbound and an outbound listener, three filters and this many clusters reports. */
const CLUSTERS = 10;
const REPORTS = 30;

const names = {
  counters: [
    ...["inbound", "outbound"].flatMap((listener) =>
      ["completed", "2xx", "4xx", "5xx", "total", "http1_total"].map(
        (what) => `http.${listener}.downstream_rq_${what}`,
      ),
    ),
    ...Array.from({ length: CLUSTERS }, (_, i) => `cluster.outbound|s${i}|80.upstream_rq_`).flatMap((prefix) => [
      ...["completed", "5xx", "200", "2xx", "total", "pending_total"].map((what) => prefix + what),
      ...Array.from({ length: 14 }, (_, j) => `${prefix}other${j}`),
    ]),
    ...["allowed", "denied.no_rule", "denied.rule"].map((what) => `wasmcustom.authz.${what}`),
    ...["allowed", "limited"].map((what) => `wasmcustom.ratelimit.per-client.${what}`),
    ...["a", "b"].flatMap((v) => ["exposed", "requests", "errors"].map((what) => `wasmcustom.ab.shop.${v}.${what}`)),
    ...Array.from({ length: 60 }, (_, i) => `listener_manager.counter${i}`),
  ],
  gauges: [
    ...["memory_allocated", "memory_heap_size", "uptime", "concurrency", "live"].map((what) => `server.${what}`),
    ...["wasm.envoy.wasm.runtime.v8.active", "wasm.wasm_vm_count"],
    ...Array.from({ length: 80 }, (_, i) => `cluster.outbound|s${i % CLUSTERS}|80.gauge${i}`),
  ],
  histograms: [
    ...["inbound", "outbound"].map((listener) => `http.${listener}.downstream_rq_time`),
    ...Array.from({ length: CLUSTERS * 3 }, (_, i) => `cluster.outbound|s${i}|80.upstream_rq_time`),
    ...["a", "b"].map((variant) => `wasmcustom.ab.shop.${variant}.latency_ms`),
  ],
};

function field(writer: BinaryWriter, number: number, bytes: Uint8Array): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited).bytes(bytes);
}

/** A report in which every counter has moved. */
function report(round: number): Buffer {
  const writer = new BinaryWriter();
  const family = (name: string, number: number, value: Uint8Array): void => {
    const metric = field(new BinaryWriter(), number, value).tag(6, WireType.Varint).int64(1_700_000_000_000n).finish();
    field(writer, 2, field(field(new BinaryWriter(), 1, Buffer.from(name)), 4, metric).finish());
  };
  const double = (value: number): Uint8Array => new BinaryWriter().tag(1, WireType.Bit64).double(value).finish();
  for (const name of names.counters) family(name, 3, double(round * 50));
  for (const name of names.gauges) family(name, 2, double(name === "server.uptime" ? round * 5 : 10_000_000 + round));
  for (const name of names.histograms) {
    const histogram = new BinaryWriter().tag(1, WireType.Varint).uint64(240);
    // Of others Envoy has 19; half of the times are in the first of 15 ranges.
    const bounds = name.startsWith("cluster.") ? LATENCY_BOUNDS.slice(0, 19) : LATENCY_BOUNDS;
    bounds.forEach((bound, i) => {
      const bucket = new BinaryWriter().tag(1, WireType.Varint).uint64(Math.min(240, i && 120 + i * 8));
      field(histogram, 3, bucket.tag(2, WireType.Bit64).double(bound).finish());
    });
    family(name, 7, histogram.finish());
  }
  return Buffer.from(writer.finish());
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

const stats = new NodeStats();
const ids = Array.from({ length: SIDECARS }, (_, i) => `sidecar-${i}`);
const before = memory();
const start = Date.now();
let spent = 0;
let size = 0;
for (let round = 1; round <= REPORTS; ++round) {
  const bytes = report(round);
  size = bytes.length;
  const began = performance.now();
  for (const id of ids)
    stats.record(
      id,
      readMetrics(bytes, (name) => stats.names.find(name)),
      start + round * 5_000,
    );
  spent += performance.now() - began;
}
const each = spent / (REPORTS * SIDECARS);
print(
  `a report: ${size} bytes, ${stats.of(ids[0] ?? "").size} counters and gauges of ${names.counters.length + names.gauges.length} kept`,
);
print(
  `reading and recording it: ${(each * 1000).toFixed(0)} us; ${((each * SIDECARS) / 50).toFixed(1)} % of a core for ${SIDECARS} sidecars every 5 s`,
);
print(`memory: ${((memory() - before) / SIDECARS / 1024).toFixed(1)} KiB a sidecar`);
for (const count of [100, 1_000, SIDECARS]) {
  const began = performance.now();
  const { requests } = stats.figures(ids.slice(0, count), start, start + REPORTS * 5_000);
  print(`figures of ${count} sidecars: ${(performance.now() - began).toFixed(1)} ms (${requests} requests)`);
}
