import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { probe } from "../host/testdata/probe.ts";
import { envoyBinary } from "../setup/envoy.mjs";
import type { Case } from "./conformance/case.ts";
import { EnvoyRunner, refusedByEnvoy } from "./conformance/in-envoy.ts";
import { runInHost } from "./conformance/in-host.ts";
import { MAP_CASES } from "./conformance/maps.ts";
import { statusCases } from "./conformance/statuses.ts";
import { STREAM_CASES } from "./conformance/streams.ts";
import type { Transcript } from "./conformance/transcript.ts";

/** Where the host is not as Envoy, and why. A line that is not here must be the same; one that is here must not. */
const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  "callouts: row 7, proxy_grpc_call": "the host makes no gRPC calls",
  "callouts: row 9, proxy_grpc_stream": "the host makes no gRPC calls",
  "callouts: row 11, proxy_grpc_send": "there is no gRPC stream to send on",
  "callouts: row 13, proxy_grpc_close": "there is no gRPC stream to close",
  "callouts: row 14, proxy_grpc_cancel": "there is no gRPC call to cancel",
  "callouts: row 15, envoy_resolve_dns": "the host does not ask the DNS",
  "WASI: row 13, wasi:clock_time_get": "the host's clock stands still at 0 until a test moves it",
  "a call that is not there at start: line 1": "the host's error names the call",
};

const version = /\/(\d+\.\d+\.\d+)/.exec(spawnSync(await envoyBinary(), ["--version"], { encoding: "utf8" }).stdout)?.[1];
assert.ok(version, "Envoy tells its version");
const cases = [...statusCases(version), ...MAP_CASES, ...STREAM_CASES];

describe(`the host and Envoy ${version}`, () => {
  const modules = new Map<Case, Uint8Array>();
  let envoy: EnvoyRunner;

  before(async () => {
    for (const item of cases) modules.set(item, await probe(item.module));
    const started = [...modules].filter(([item]) => !item.startsNot);
    envoy = await EnvoyRunner.start(started.map(([item, module]) => ({ item, module })));
  });
  after(() => envoy.stop());

  for (const item of cases) {
    test(item.name, async () => {
      const module = modules.get(item);
      assert.ok(module);
      const { transcript, client } = item.startsNot
        ? { transcript: await refusedByEnvoy(module), client: "" }
        : await envoy.run(item);
      compare(item, await runInHost(item, module, client), transcript);
    });
  }

  test("every known difference is one of a case", () => {
    for (const where of Object.keys(KNOWN_DIFFERENCES))
      assert.ok(cases.some(({ name }) => where.startsWith(`${name}: `)), where);
  });
});

/** Compares line by line, and takes a known difference for the line that Envoy has. */
function compare(item: Case, host: Transcript, envoy: Transcript): void {
  const nameOf = (i: number): string => `${item.name}: ${item.lineNames?.[i] ?? `line ${i}`}`;
  const known = new Set(Object.keys(KNOWN_DIFFERENCES).filter((where) => where.startsWith(`${item.name}: `)));
  const expected = envoy.map((line, i) => {
    if (!known.delete(nameOf(i))) return line;
    assert.notEqual(host[i], line, `${nameOf(i)} is a known difference, but there is none`);
    return host[i];
  });
  assert.deepEqual(host, expected);
  assert.deepEqual([...known], [], "known differences of lines that are not there");
  assert.ok(host.length >= (item.lineNames?.length ?? 1), "there is a line for each row");
}
