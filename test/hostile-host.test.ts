// No callback traps, whatever ids, tokens and answers the host gives, in whatever order.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CALLBACK_EXPORTS } from "@meshwright/host";
import fc from "fast-check";
import { compile } from "../setup/filters.mjs";
import { seeded } from "./support/numbers.ts";
import { HostileHost } from "./support/hostile-host.ts";

interface Fixture {
  readonly rootIds: readonly string[];
  readonly texts: readonly string[];
}

const fixtures: Readonly<Record<string, Fixture>> = {
  callouts: { rootIds: ["callouts"], texts: scenarioNames() },
  tcp: { rootIds: ["tcp"], texts: ["held ", "change\n", "timer\n", "call\n", "close downstream\n", "back "] },
  "access-log": { rootIds: ["access-log", "service"], texts: ["200", "/"] },
  sdk: {
    rootIds: ["scenarios", "marked", "plain", "unknown"],
    texts: ["read-headers", "write-headers", "pause-request", "pause-body", "local-response", `{"mark":"x"}`],
  },
};

/** What the fixture `callouts` compares the name of a scenario with. */
function scenarioNames(): string[] {
  const names = ["http", "grpc", "timers", "queues"].flatMap((file) => {
    const text = readFileSync(new URL(`fixtures/callouts/${file}.ts`, import.meta.url), "utf8");
    return [...text.matchAll(/name == "([\w-]+)"/g)].map(([, name = ""]) => name);
  });
  assert.ok(names.length > 20);
  return ["own", "shared", "200", ...names];
}

/** Small, so that they meet; and the ends of the range. */
const id = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 7 }) }, fc.constantFrom(-1, 0x7fffffff));

const callback = fc
  .constantFrom(...Object.entries(CALLBACK_EXPORTS))
  .chain(([name, { params }]) =>
    fc.tuple(fc.constant(name), fc.array(id, { minLength: params.length, maxLength: params.length })),
  );

describe("a host that answers anything", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-hostile-"));
  const modules = new Map<string, Uint8Array>();

  before(async () => {
    for (const name of Object.keys(fixtures)) {
      const file = join(folder, `${name}.wasm`);
      await compile(`test/fixtures/${name}.ts`, file);
      modules.set(name, readFileSync(file));
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  function start(name: string, seed: number): HostileHost {
    const module = modules.get(name);
    const fixture = fixtures[name];
    assert.ok(module && fixture);
    const numbers = seeded(seed);
    const { rootIds, texts } = fixture;
    return new HostileHost(module, numbers, rootIds, () => texts[numbers(texts.length)] ?? "");
  }

  for (const name of Object.keys(fixtures)) {
    test(`does not trap ${name}`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.array(callback, { minLength: 1, maxLength: 200 }), (seed, callbacks) => {
          const host = start(name, seed);
          host.call("proxy_on_context_create", 1, 0);
          host.call("proxy_on_configure", 1, 3);
          for (const stream of [2, 3, 4]) host.call("proxy_on_context_create", stream, 1);
          for (const [callback, args] of callbacks) host.call(callback, ...args);
        }),
        { numRuns: 300, seed: 1 },
      );
    });
  }

  test("what is pending goes with its stream, so memory stays within bounds", () => {
    const host = start("callouts", 5);
    host.isKind = true;
    host.call("proxy_on_context_create", 1, 0);
    host.call("proxy_on_configure", 1, 3);
    const run = (from: number, count: number): number => {
      for (let stream = from; stream < from + count; ++stream) {
        host.call("proxy_on_context_create", stream, 1);
        host.call("proxy_on_request_headers", stream, 4, 1);
        host.call("proxy_on_done", stream);
        host.call("proxy_on_delete", stream);
      }
      return host.memory.buffer.byteLength;
    };
    const before = run(2, 20_000);
    assert.equal(run(20_002, 100_000), before);
  });
});
