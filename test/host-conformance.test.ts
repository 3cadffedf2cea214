import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { probe } from "../host/testdata/probe.ts";
import { envoyBinary } from "../setup/envoy.mjs";
import type { Case } from "./conformance/case.ts";
import { EnvoyRunner, refusedByEnvoy } from "./conformance/in-envoy.ts";
import { runInHost } from "./conformance/in-host.ts";
import { GRPC_CASES } from "./conformance/grpc.ts";
import { MAP_CASES } from "./conformance/maps.ts";
import { statusCases } from "./conformance/statuses.ts";
import { STREAM_CASES } from "./conformance/streams.ts";
import { TCP_CASES } from "./conformance/tcp.ts";
import { TcpEnvoyRunner } from "./conformance/tcp-in-envoy.ts";
import { runTcpInHost } from "./conformance/tcp-in-host.ts";
import type { Transcript } from "./conformance/transcript.ts";

interface Difference {
  readonly case: string;
  /** As the case names it; `line 0` is the first. */
  readonly line: string;
  readonly why: string;
  /** The only release that has it. */
  readonly release?: string;
}

/** Where the host is not as Envoy. A line that is not here must be the same; one that is here must not. */
const KNOWN_DIFFERENCES: readonly Difference[] = [
  { case: "callouts", line: "row 19, envoy_resolve_dns", why: "the host does not ask the DNS" },
  { case: "WASI", line: "row 13, wasi:clock_time_get", why: "the host's clock stands still until a test moves it" },
  { case: "WASI", line: "row 18, wasi:poll_oneoff", why: "Envoy had not implemented it", release: "1.37" },
  {
    case: "more",
    line: "row 38, proxy_get_buffer_bytes",
    why: "outside of a foreign call, Envoy's buffer of the call's data is whatever was read last; the host's is empty",
  },
  { case: "a call that is not there at start", line: "line 1", why: "the host's error names the call" },
];

const version = /\/(\d+\.\d+\.\d+)/.exec(
  spawnSync(await envoyBinary(), ["--version"], { encoding: "utf8" }).stdout,
)?.[1];
assert.ok(version, "Envoy tells its version");
const cases = [...statusCases(version), ...MAP_CASES, ...STREAM_CASES, ...GRPC_CASES];

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

  test("every known difference is of a case", () => {
    const names = new Set(cases.map(({ name }) => name));
    for (const difference of KNOWN_DIFFERENCES) assert.ok(names.has(difference.case), difference.case);
  });
});

describe(`TCP in the host and in Envoy ${version}`, () => {
  const modules = new Map<string, Uint8Array>();
  let envoy: TcpEnvoyRunner;

  before(async () => {
    for (const item of TCP_CASES) modules.set(item.name, await probe(item.module));
    envoy = await TcpEnvoyRunner.start(
      TCP_CASES.map((item) => ({ item, module: modules.get(item.name) ?? new Uint8Array() })),
    );
  });
  after(() => envoy.stop());

  for (const item of TCP_CASES) {
    test(item.name, async () => {
      const expected = await runTcpInHost(item, modules.get(item.name) ?? new Uint8Array());
      assert.deepEqual(expected, await envoy.run(item, expected));
    });
  }
});

/** Compares line by line. */
function compare(item: Case, host: Transcript, envoy: Transcript): void {
  const nameOf = (i: number): string => item.lineNames?.[i] ?? `line ${i}`;
  const named = (transcript: Transcript): string[] => transcript.map((line, i) => `${nameOf(i)}: ${line}`);
  const known = KNOWN_DIFFERENCES.filter(
    (difference) => difference.case === item.name && version?.startsWith(difference.release ?? "") === true,
  ).map(({ line }) => line);
  const isKnown = (_line: string, i: number): boolean => known.includes(nameOf(i));
  const isNew = (line: string, i: number): boolean => !isKnown(line, i);

  assert.deepEqual(named(host).filter(isNew), named(envoy).filter(isNew));
  const different = named(host).flatMap((line, i) => (isKnown(line, i) && host[i] !== envoy[i] ? [nameOf(i)] : []));
  assert.deepEqual(different, known, "known differences are there");
  // Two transcripts that lack the same lines would be equal too.
  assert.equal(host.length, item.lineNames?.length ?? host.length);
  assert.notEqual(host.length, 0);
}
