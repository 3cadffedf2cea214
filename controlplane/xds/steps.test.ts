import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { ProxyMemory } from "./delivery.ts";
import { Ledger } from "./ledger.ts";
import type { Send } from "./response.ts";
import { DeltaScript, referred, resource, type Served, SotwScript, type Type } from "./testdata/script.ts";

/*
 * A proxy as Envoy is one: it takes all clusters and listeners, and asks for the routes and filters that its listeners
 * name. It answers, refuses, falls silent and comes back at random, while a mesh changes. What it accepted must never refer to
 * what it has not, and in the end it must have everything.
 */

const CLUSTERS = ["x", "y", "z"];
const NAMED = ["RDS", "ECDS"] as const;
const TYPES = ["CDS", "LDS", ...NAMED] as const satisfies readonly Type[];
type Mesh = Record<(typeof TYPES)[number], readonly string[]>;

/** Everything that a resource of a mesh refers to is in the mesh. */
const arbitraryMesh: fc.Arbitrary<Mesh> = fc
  .record({
    clusters: fc.uniqueArray(fc.constantFrom(...CLUSTERS), { maxLength: 2 }),
    refers: fc.array(fc.subarray(CLUSTERS, { minLength: 1 }), { minLength: 3, maxLength: 3 }),
    named: fc.oneof(
      { weight: 4, arbitrary: fc.constant(["r", "f"]) },
      { weight: 1, arbitrary: fc.subarray(["r", "s", "f"]) },
    ),
    versions: fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 7, maxLength: 7 }),
  })
  .map(({ clusters, refers, named, versions }) => {
    const text = (name: string, version: number, names: readonly string[] = []): string =>
      `${name}@${versions[version]}${names.length > 0 ? `>${names.join("+")}` : ""}`;
    const present = (n: number): string[] => (refers[n] ?? []).filter((name) => clusters.includes(name));
    return {
      CDS: clusters.map((name) => text(name, CLUSTERS.indexOf(name))),
      RDS: [text("r", 3, present(0)), text("s", 4, present(1))],
      ECDS: [text("f", 5, present(2))],
      LDS: [text("l", 6, named)],
    };
  });

type Step =
  | { readonly do: "serve"; readonly mesh: Mesh }
  | { readonly do: "answer"; readonly which: number; readonly accept: readonly boolean[] }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "reconnect"; readonly types: readonly Type[] };

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("serve" as const), mesh: arbitraryMesh }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      which: fc.nat(3),
      accept: fc.oneof(
        { weight: 5, arbitrary: fc.constant([true, true]) },
        { weight: 1, arbitrary: fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }) },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 1_000, 20_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reconnect" as const),
      types: fc.shuffledSubarray([...TYPES], { minLength: TYPES.length }),
    }),
  },
);

abstract class Proxy {
  readonly memory = new ProxyMemory();
  /** Of the last response of a type that it accepted. */
  readonly versions = new Map<Type, string>();
  readonly held = new Map<Type, Map<string, string>>(TYPES.map((type) => [type, new Map()]));
  /** Responses that it has yet to answer; the last one supersedes those before. */
  readonly unanswered = new Map<Type, readonly Send[]>();
  /** Clusters that it refused to have. */
  readonly refused = new Set<string>();
  /** Routes and filters that it took when it had none of their names, in spite of what it refused. */
  readonly excused = new Set<string>();
  readonly subscribed = new Map<Type, Set<string>>(NAMED.map((type) => [type, new Set()]));
  /** Responses that were under way when it left some of their names. If it asks for these again and then takes one, the server cannot know. */
  readonly #late = new Map<Send, readonly string[]>();
  readonly #doubtful = new Set<string>();
  mesh: Mesh = { CDS: [], LDS: [], RDS: [], ECDS: [] };
  abstract script: SotwScript | DeltaScript;
  abstract connect(now: number, types: readonly Type[]): void;
  abstract subscribe(type: Type, added: readonly string[], left: readonly string[]): void;
  abstract reply(type: Type, send: Send, accepts: boolean, isLast: boolean): void;

  serve(mesh: Mesh): void {
    this.mesh = mesh;
    this.script.serve(mesh satisfies Served);
  }

  receive(): void {
    const from = this.script.sends.length;
    for (const line of this.script.take()) {
      const type = line.split(" ")[0] as Type;
      const send = this.script.sends.slice(from).find(({ nonce }) => nonce === this.script.nonce(type));
      assert.ok(send);
      this.unanswered.set(type, [...(this.unanswered.get(type) ?? []), send]);
    }
  }

  /** @param accept each, from the last one back. */
  answer(type: Type, accept: readonly boolean[]): void {
    const sends = this.unanswered.get(type) ?? [];
    this.unanswered.delete(type);
    for (const [index, send] of sends.entries()) {
      const accepts = accept[sends.length - 1 - index] ?? true;
      if (accepts) this.apply(type, send);
      else if (type === "CDS") for (const { name } of send.resources) this.refused.add(name);
      this.check();
      this.reply(type, send, accepts, index === sends.length - 1);
    }
    if (type === "LDS") this.#askForWhatIsNamed();
  }

  protected apply(type: Type, send: Send): void {
    this.versions.set(type, send.version);
    const held = this.#of(type);
    const before = new Map(held);
    const isFull = this.script instanceof SotwScript && (type === "CDS" || type === "LDS");
    if (isFull) held.clear();
    for (const { name, version } of send.resources) {
      if (this.subscribed.get(type)?.has(name) === false) continue;
      held.set(name, version);
      const clusters = this.#of("CDS");
      const lacks = referred(version).filter((ref) => CLUSTERS.includes(ref) && !clusters.has(ref));
      const isNew = !before.has(name) || this.#doubtful.delete(`${type} ${name}`);
      if (type !== "CDS" && isNew && lacks.every((ref) => this.refused.has(ref)))
        this.excused.add(`${type} ${name}@${version}`);
      if (this.#late.get(send)?.includes(name) === true) this.#doubtful.add(`${type} ${name}`);
    }
    for (const name of send.removed) held.delete(name);
    if (type === "CDS") for (const name of held.keys()) if (!before.has(name)) this.refused.delete(name);
  }

  #askForWhatIsNamed(): void {
    for (const type of NAMED) {
      const names = new Set<string>();
      for (const version of this.#of("LDS").values())
        for (const name of referred(version)) if ((type === "RDS") === (name !== "f")) names.add(name);
      const before = this.subscribed.get(type) ?? new Set();
      const added = [...names].filter((name) => !before.has(name));
      const left = [...before].filter((name) => !names.has(name));
      this.subscribed.set(type, names);
      for (const name of left) this.#of(type).delete(name);
      for (const send of this.unanswered.get(type) ?? [])
        this.#late.set(send, [...(this.#late.get(send) ?? []), ...left]);
      if (added.length + left.length > 0) this.subscribe(type, added, left);
    }
  }

  /** Nothing that it accepted refers to what it has not. */
  check(): void {
    for (const type of NAMED) {
      for (const [name, version] of this.#of(type)) {
        for (const ref of referred(version)) {
          if (this.#of("CDS").has(ref) || this.excused.has(`${type} ${name}@${version}`)) continue;
          assert.fail(`${type} ${name}@${version} is there, and ${ref} is not`);
        }
      }
    }
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.do === "serve") this.serve(step.mesh);
      else if (step.do === "answer") this.#answerOne(step.which, step.accept);
      else if (step.do === "wait") this.script.now += step.ms;
      else this.reconnect(step.types);
      this.receive();
    }
  }

  #answerOne(which: number, accept: readonly boolean[]): void {
    const types = [...this.unanswered.keys()];
    const type = types[which % types.length];
    if (type !== undefined) this.answer(type, accept);
  }

  reconnect(types: readonly Type[]): void {
    // What of several responses without an answer such a client has, nobody can know.
    if ([...this.unanswered.values()].some((sends) => sends.length > 1)) return;
    // What has come it takes, and has no time to say so.
    for (const [type, [send]] of this.unanswered) if (send) this.apply(type, send);
    this.check();
    this.script.close();
    this.unanswered.clear();
    this.connect(this.script.now, types);
    this.serve(this.mesh);
    this.#askForWhatIsNamed();
  }

  /** Accepts all that comes, to the end, which must come. */
  settle(): void {
    for (let round = 0; round < 100; round++) {
      this.receive();
      if (this.unanswered.size === 0) {
        if (this.script.wakeAt === undefined) return;
        this.script.now = this.script.wakeAt;
      }
      for (const type of [...this.unanswered.keys()]) this.answer(type, [true]);
    }
    assert.fail("it does not come to an end");
  }

  #of(type: Type): Map<string, string> {
    const held = this.held.get(type);
    assert.ok(held);
    return held;
  }

  isIn(type: Type, name: string): boolean {
    return this.subscribed.get(type)?.has(name) ?? true;
  }
}

class SotwProxy extends Proxy {
  override script = new SotwScript(this.memory);
  constructor() {
    super();
    this.connect(1_000, TYPES);
  }

  override connect(now: number, types: readonly Type[]): void {
    this.script = new SotwScript(this.memory);
    this.script.now = now;
    for (const type of types) {
      const names = [...(this.subscribed.get(type) ?? [])];
      if (this.subscribed.has(type) && names.length === 0) continue;
      this.script.ask(type, names, { version: this.versions.get(type) ?? "" });
    }
  }

  override subscribe(type: Type): void {
    const names = [...(this.subscribed.get(type) ?? [])];
    this.script.ask(type, names, { nonce: this.script.nonce(type) });
    // A request that names the nonce of a response answers it.
    for (const send of this.unanswered.get(type) ?? []) this.apply(type, send);
    this.unanswered.delete(type);
  }

  override reply(type: Type, _send: Send, accepts: boolean, isLast: boolean): void {
    if (isLast) this.script[accepts ? "ack" : "nack"](type);
  }
}

class DeltaProxy extends Proxy {
  override script = new DeltaScript(this.memory);

  constructor() {
    super();
    this.connect(1_000, TYPES);
  }

  override connect(now: number, types: readonly Type[]): void {
    this.script = new DeltaScript(this.memory);
    this.script.now = now;
    for (const type of types) {
      const names = [...(this.subscribed.get(type) ?? [])];
      if (this.subscribed.has(type) && names.length === 0) continue;
      const held = Array.from(this.held.get(type) ?? [], ([name, version]) => `${name}=${version}`);
      this.script.ask(type, [...names, ...held]);
    }
  }

  override subscribe(type: Type, added: readonly string[], left: readonly string[]): void {
    this.script.ask(type, [...added, ...left.map((name) => `-${name}`)]);
  }

  override reply(type: Type, { nonce }: Send, accepts: boolean): void {
    this.script.ask(type, [], { nonce, ...(accepts ? {} : { error: "no" }) });
  }
}

for (const [variant, open] of [
  ["state of the world", () => new SotwProxy()],
  ["incremental", () => new DeltaProxy()],
] as const) {
  test(`R22: ${variant}: nothing that a proxy accepted refers to what it has not, and it comes to have everything`, () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 80, size: "max" }), arbitraryMesh, (steps, last) => {
        const proxy = open();
        proxy.run(steps);
        // What was refused may stand until it changes.
        const changed = (text: string): string => text.replace("@", "@last");
        proxy.serve({
          CDS: last.CDS.map(changed),
          LDS: last.LDS.map(changed),
          RDS: last.RDS.map(changed),
          ECDS: last.ECDS.map(changed),
        });
        proxy.settle();
        for (const type of TYPES) {
          const expected = proxy.mesh[type].filter((text) => proxy.isIn(type, text.split("@")[0] ?? ""));
          const held = Array.from(proxy.held.get(type) ?? [], ([name, version]) => `${name}@${version}`);
          const isThere = held.filter((text) => expected.includes(text)).sort();
          assert.deepEqual(isThere, [...expected].sort(), type);
        }
        assert.ok(proxy.script.standing !== "unsettled");
      }),
      { numRuns: 1_000 },
    );
  });
}

test("refusals of what is gone are forgotten", () => {
  const ledger = new Ledger();
  for (let n = 0; n < 100; n++) {
    const wanted = resource("RDS", `r${n}@1`);
    const changes = ledger.difference(new Map([[wanted.name, wanted]]), () => false).changes;
    const result = ledger.resultOf(changes);
    ledger.sent({ nonce: `${n}`, version: "", typeVersion: `${n}`, changes, result, isHeartbeat: false });
    ledger.reject("no", 0, false);
    assert.equal(ledger.refused.size, 1);
  }
});
