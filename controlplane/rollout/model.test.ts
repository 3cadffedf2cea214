import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { type Command, obey } from "./commands.ts";
import { decide } from "./decide.ts";
import type { Observation, Progress, SidecarState, Verdict } from "./observation.ts";
import { apply, hasEnded, replay, type Run, type RunEvent, versionFor } from "./run.ts";
import type { Sidecar } from "./sidecars.ts";
import { fleet, started, wave } from "./testdata/run.ts";

/*
 * A rollout against a fleet that does what it likes, with several controllers on one log, each of which may die between deciding and
 * writing, write late, or begin anew from the log.
 */

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "decide"; readonly controller: number }
  /** Decides now, and writes at the next `write` of this controller, when the log may have grown. */
  | { readonly do: "dally"; readonly controller: number }
  | { readonly do: "write"; readonly controller: number }
  | { readonly do: "crash"; readonly controller: number }
  | { readonly do: "answer"; readonly node: number; readonly progress: Progress }
  | { readonly do: "answer all" }
  | { readonly do: "connect"; readonly node: number; readonly connected: boolean }
  | { readonly do: "judge"; readonly verdict: Verdict["kind"] }
  | { readonly do: "gate"; readonly open: boolean; readonly frozen: boolean; readonly settled: boolean }
  | { readonly do: "command"; readonly command: Command };

const CONTROLLERS = 2;
const NODES = 9;
const controller = fc.nat(CONTROLLERS - 1);
const node = fc.nat(NODES - 1);
const progress = fc.constantFrom<Progress>(
  "Behind",
  "Held",
  ...Array<Progress>(12).fill("Running"),
  "Rejected",
  "Failed",
);

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 5000, 61_000) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("decide" as const), controller }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("dally" as const, "write" as const), controller }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), controller }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("answer" as const), node, progress }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("answer all" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("connect" as const), node, connected: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("judge" as const),
      verdict: fc.constantFrom("Good", "Good", "Good", "Undecided", "Undecided", "Undecided", "Bad"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("gate" as const),
      open: fc.boolean(),
      frozen: fc.boolean(),
      settled: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("command" as const),
      command: fc.constantFrom<Command>(
        "pause",
        "resume",
        "resume",
        "approve",
        "approve",
        "approve",
        "promote",
        "abort",
      ),
    }),
  },
);

/** One controller: what it knows of the log, and what it is about to write. */
interface Controller {
  known: number;
  run: Run;
  pending: readonly RunEvent[];
}

class World {
  now = 0;
  readonly log: RunEvent[];
  readonly sidecars: readonly Sidecar[] = fleet(NODES, 3);
  /** Who is connected since when, and how far it is with the version it was last given. */
  readonly fleet = new Map<string, { state: SidecarState; version: string }>();
  readonly controllers: Controller[];
  verdict: Verdict["kind"] = "Good";
  gates = { open: true, frozen: false, settled: true };

  constructor(maxAtOnce: number) {
    this.log = [
      started({
        waves: [wave({ percentage: 20 }), wave({ percentage: 60, approval: "Manual" }), wave()],
        maxAtOnce,
      }),
    ];
    for (const { node } of this.sidecars) {
      this.fleet.set(node, { state: { connected: true, since: -1e9, progress: "Running" }, version: "old" });
    }
    this.controllers = Array.from({ length: CONTROLLERS }, () => this.#fresh());
  }

  #fresh(): Controller {
    return { known: this.log.length, run: this.run, pending: [] };
  }

  get run(): Run {
    const run = replay(this.log);
    assert.ok(run !== undefined);
    return run;
  }

  /** What is seen with the eyes of a controller that serves by its own knowledge of the run. */
  observe(run: Run): Observation {
    const states = new Map<string, SidecarState>();
    for (const [node, { state, version }] of this.fleet) {
      const isBehind = version !== versionFor(run, node);
      states.set(node, isBehind && state.progress !== "Behind" ? { ...state, progress: "Behind" } : state);
    }
    const reason = { kind: "Worse", message: "worse", nodes: [] } as const;
    const verdict: Verdict =
      this.verdict === "Bad" ? { kind: "Bad", findings: [], reason } : { kind: this.verdict, findings: [this.verdict] };
    return { sidecars: this.sidecars, states, verdict, ...this.gates };
  }

  take(step: Step): void {
    switch (step.do) {
      case "wait":
        this.now += step.ms;
        return;
      case "decide":
        this.#decide(step.controller);
        this.#write(step.controller);
        return;
      case "dally":
        this.#decide(step.controller);
        return;
      case "write":
        this.#write(step.controller);
        return;
      case "crash":
        this.controllers[step.controller] = this.#fresh();
        return;
      case "answer":
        this.#answer(`n${step.node}`, step.progress);
        return;
      case "answer all":
        for (const { node } of this.sidecars) this.#answer(node, "Running");
        return;
      case "connect": {
        const known = this.fleet.get(`n${step.node}`);
        if (known === undefined || known.state.connected === step.connected) return;
        known.state = { ...known.state, connected: step.connected, since: this.now };
        return;
      }
      case "judge":
        this.verdict = step.verdict;
        return;
      case "gate":
        this.gates = { open: step.open, frozen: step.frozen, settled: step.settled };
        return;
      case "command": {
        const result = obey(this.run, step.command, "ann", this.now);
        if (result.ok) this.append(result.events);
      }
    }
  }

  #decide(index: number): void {
    const controller = this.controllers[index];
    assert.ok(controller !== undefined);
    if (hasEnded(controller.run)) return;
    controller.pending = decide(controller.run, this.observe(controller.run), this.now);
  }

  /** The log takes events only from a controller that knows all of it; one that does not learns what it missed. */
  #write(index: number): void {
    const controller = this.controllers[index];
    assert.ok(controller !== undefined);
    if (controller.known === this.log.length && controller.pending.length > 0) this.append(controller.pending);
    this.controllers[index] = this.#fresh();
  }

  append(events: readonly RunEvent[]): void {
    for (const event of events) {
      const before = this.run;
      const changing = this.#changing(before);
      this.log.push(event);
      const after = this.run;
      this.#check(before, event, after, changing);
    }
  }

  #changing(run: Run): number {
    return [...run.admitted.keys()].filter((node) => {
      const known = this.fleet.get(node);
      return known?.state.connected === true && (known.version !== "new" || known.state.progress !== "Running");
    }).length;
  }

  #check(before: Run, event: RunEvent, after: Run, changing: number): void {
    assert.deepEqual(after, apply(before, event), "the log is the run");
    for (const { node } of this.sidecars) {
      const version = versionFor(after, node);
      if (version === "new") assert.ok(after.phase === "Promoted" || after.admitted.has(node));
      if (before.phase === "RollingBack") assert.equal(version, "old", "what goes back stays back");
    }
    if (event.type === "Admitted") {
      assert.equal(after.phase, "Progressing");
      assert.ok(changing + event.nodes.length <= (after.spec.maxAtOnce ?? Infinity), "more at once than may be");
      for (const service of new Set(this.sidecars.map((one) => one.service))) {
        const all = this.sidecars.filter((one) => one.service === service).map((one) => one.node);
        const hold = all.filter((one) => after.admitted.has(one)).length;
        if (after.wave < 2) assert.ok(hold < all.length, `all of ${service} in wave ${after.wave + 1}`);
      }
    }
    if (event.type === "WaveStarted" && event.wave > 0) this.#wasProven(before, event);
    if (event.type === "WaveStarted" && event.wave === 1) assert.ok(after.approved >= 1, "nobody approved it");
    if (event.type === "Promoted" && event.by === "policy") {
      assert.equal(before.wave, 2, "promoted before the last wave");
      this.#wasProven(before, event);
    }
    if (event.type === "RolledBack") assert.ok(after.reason !== undefined);
  }

  #wasProven(before: Run, event: RunEvent): void {
    assert.ok(before.settledAt !== undefined && event.at - before.settledAt >= 60_000, "it did not bake");
    assert.deepEqual(before.findings[before.wave], ["Good"], "it was not found good");
  }

  #answer(node: string, progress: Progress): void {
    const known = this.fleet.get(node);
    if (!known?.state.connected) return;
    // The old version was good, and is again.
    const version = versionFor(this.run, node);
    const isNew = version === "new";
    known.version = version;
    known.state = { ...known.state, progress: isNew ? progress : "Running" };
  }
}

test("a rollout keeps its promises whatever the fleet, its controllers and its users do", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(arbitraryStep, { maxLength: 120 }), (maxAtOnce, steps) => {
      const world = new World(maxAtOnce);
      for (const step of steps) world.take(step);
      // Left alone with a good fleet it comes to an end, but not before the figures are good.
      world.gates = { open: true, frozen: false, settled: true };
      for (const { node } of world.sidecars)
        world.take({ do: "connect", node: Number(node.slice(1)), connected: true });
      for (let i = 0; i < 100 && !hasEnded(world.run); i++) {
        world.verdict = i < 10 ? "Undecided" : "Good";
        for (const command of ["resume", "approve"] as const) world.take({ do: "command", command });
        world.take({ do: "answer all" });
        world.take({ do: "decide", controller: i % CONTROLLERS });
        world.take({ do: "wait", ms: 31_000 });
      }
      assert.ok(hasEnded(world.run), `it is ${world.run.phase} in wave ${world.run.wave}`);
    }),
    { numRuns: 400 },
  );
});
