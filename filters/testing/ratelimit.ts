// What the tests of ratelimit share: the module against a model, with several workers and a clock that jumps.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { HttpStream } from "@meshwright/host";
import { Envoy, statusOf } from "./filter.ts";

/** What a response tells. */
export interface Answer {
  readonly status: number;
  readonly remaining: number;
  readonly reset: number;
  readonly retryAfter: number | undefined;
}

/** How a limit should answer. */
export interface LimitModel {
  /** @param now Nanoseconds since 1970. */
  request(key: string, now: bigint): Answer;
}

const WORKERS = 3;

/** What happens to a limit: requests, time that passes, and a clock that is set back. */
export const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("request" as const),
        key: fc.constantFrom("a", "b", "c"),
        worker: fc.nat({ max: WORKERS - 1 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("advance" as const),
        // Microseconds, since the filter cuts what is finer.
        microseconds: fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: 20_000_000 }), fc.nat({ max: 90_000_000_000 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("setBack" as const), milliseconds: fc.nat({ max: 3_600_000 }) }),
    },
  ),
  { maxLength: 60 },
);

/** Sends the steps through the workers of an Envoy with one limit, and expects the model's answers. */
export async function expectModel(
  module: Uint8Array,
  limit: object,
  model: LimitModel,
  sequence: typeof steps extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  const envoy = new Envoy(module);
  const configuration = { limits: [{ name: "model", key: [{ header: "x-key" }], ...limit }] };
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => envoy.worker(configuration)));
  for (const step of sequence) {
    if (step.kind === "advance") envoy.clock.advance(step.microseconds / 1000);
    else if (step.kind === "setBack") envoy.clock.step(-step.milliseconds);
    else {
      const worker = workers[step.worker];
      assert.ok(worker);
      const answer = answerOf(worker.send({ headers: [["x-key", step.key]] }));
      assert.deepEqual(answer, model.request(step.key, envoy.clock.realtime));
    }
  }
  envoy.close();
}

/** A duration as a configuration has it. */
export function durationText(milliseconds: number): string {
  return milliseconds > 99_999 ? `${milliseconds / 3_600_000}h` : `${milliseconds}ms`;
}

function answerOf(stream: HttpStream): Answer {
  const headers = stream.response.headers;
  const retryAfter = headers?.get("retry-after");
  return {
    status: statusOf(stream),
    remaining: Number(headers?.get("x-ratelimit-remaining")),
    reset: Number(headers?.get("x-ratelimit-reset")),
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

export function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
