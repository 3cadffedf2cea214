import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { DeltaScript, resource, SotwScript, type Type } from "./testdata/script.ts";
import { isFullStateType } from "./type-url.ts";
import type { Send } from "./response.ts";

/*
 * A client that behaves as the specification says, driven at random: it subscribes, answers, rejects and falls silent
 * while snapshots change. Once it is left to accept everything, it must hold exactly what it is to hold.
 */

const TYPES = ["CDS", "EDS", "LDS", "RDS", "SDS", "VHDS"] as const satisfies readonly Type[];
const NAMES = ["a", "b", "c"];

type Step =
  | { readonly do: "serve"; readonly served: Texts }
  | { readonly do: "subscribe"; readonly type: Type; readonly names: readonly string[] }
  | { readonly do: "answer"; readonly type: Type; readonly accept: readonly boolean[] }
  | { readonly do: "wait"; readonly ms: number };

/** What is served, by type, as `name@version`. */
type Texts = Partial<Record<Type, readonly string[]>>;

const arbitrarySnapshot: fc.Arbitrary<Texts> = fc
  .record(Object.fromEntries(TYPES.map((type) => [type, fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.nat(2)))])))
  .map((types) =>
    Object.fromEntries(
      Object.entries(types).map(([type, list]) => [type, Array.from(new Map(list), ([name, v]) => `${name}@${v}`)]),
    ),
  );

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("serve" as const), served: arbitrarySnapshot }),
  fc.record({
    do: fc.constant("subscribe" as const),
    type: fc.constantFrom(...TYPES),
    names: fc.uniqueArray(fc.constantFrom("*", ...NAMES, "a'", "b'")),
  }),
  fc.record({
    do: fc.constant("answer" as const),
    type: fc.constantFrom(...TYPES),
    accept: fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(10, 20_000) }),
);

/** What the two variants of the protocol have in common for the model. */
abstract class Client {
  readonly held = new Map<Type, Map<string, string>>(TYPES.map((type) => [type, new Map()]));
  readonly subscribed = new Map<Type, ReadonlySet<string>>();
  /** Responses that it has yet to answer, of each type; the last one supersedes those before. */
  readonly unanswered = new Map<Type, readonly Send[]>();
  readonly #sentAt = new Map<Type, number>();
  /** What it rejected to lose. */
  readonly kept: [type: Type, name: string][] = [];
  abstract readonly script: SotwScript | DeltaScript;
  abstract subscribe(type: Type, names: readonly string[]): void;
  abstract apply(type: Type, send: Send): void;
  abstract reply(type: Type, send: Send, accepts: boolean, isLast: boolean): void;
  /** What of the resources that it holds a response takes away. */
  abstract goes(type: Type, send: Send): string[];
  /** A new stream of the same client, which says what it holds of this type. */
  abstract resume(type: Type): SotwScript | DeltaScript;
  served: Texts = {};

  /** Takes what is due and checks it against what no response may do. */
  receive(): void {
    const from = this.script.sends.length;
    for (const line of this.script.take()) {
      const type = line.split(" ")[0] as Type;
      const before = this.unanswered.get(type) ?? [];
      const waited = this.script.now - (this.#sentAt.get(type) ?? 0);
      assert.ok(before.length === 0 || waited >= 15_000, `a second ${type} response is in flight`);
      this.#sentAt.set(type, this.script.now);
      const send = this.script.sends.slice(from).findLast((s) => s.nonce === this.script.nonce(type));
      assert.ok(send);
      const names = [...send.resources.map(({ name }) => name), ...send.removed];
      assert.equal(new Set(names).size, names.length, "R12: a name twice in one response");
      for (const name of names) assert.ok(this.covers(type, name), `${name} was not subscribed`);
      this.unanswered.set(type, [...before, send]);
    }
  }

  /** @param accept each, from the last one back; what is not said is taken for the one after it. */
  answer(type: Type, ...accept: readonly boolean[]): void {
    const sends = this.unanswered.get(type) ?? [];
    this.unanswered.delete(type);
    for (const [index, send] of sends.entries()) {
      const isLast = index === sends.length - 1;
      const accepts = accept[Math.min(sends.length - 1 - index, accept.length - 1)] ?? true;
      if (accepts) this.apply(type, send);
      else for (const name of this.goes(type, send)) this.kept.push([type, name]);
      this.reply(type, send, accepts, isLast);
    }
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.do === "serve") {
        this.served = step.served;
        this.script.serve(step.served);
      } else if (step.do === "subscribe") this.subscribe(step.type, step.names);
      else if (step.do === "answer") this.answer(step.type, ...step.accept);
      else this.script.now += step.ms;
      this.receive();
    }
  }

  /** Accepts everything until nothing more comes, which must be soon. */
  settle(): void {
    for (let round = 0; round < 50; round++) {
      this.receive();
      if (this.unanswered.size === 0) {
        if (this.script.wakeAt === undefined) return;
        this.script.now = this.script.wakeAt;
      }
      for (const type of [...this.unanswered.keys()]) this.answer(type, true);
    }
    assert.fail("the responses do not come to an end");
  }

  covers(type: Type, name: string): boolean {
    const names = this.subscribed.get(type);
    return names !== undefined && (names.has("*") || names.has(name) || (type === "VHDS" && names.has(`${name}'`)));
  }

  expected(type: Type): string[] {
    const all = (this.served[type] ?? []).map((text) => resource(type, text));
    return all
      .filter(({ name }) => this.covers(type, name))
      .map(({ name, version }) => `${name}@${version}`)
      .sort();
  }

  holds(type: Type): string[] {
    return Array.from(this.held.get(type) ?? [], ([name, version]) => `${name}@${version}`).sort();
  }
}

class SotwClient extends Client {
  override readonly script = new SotwScript();
  /** `version_info` of the last response of a type that it accepted. */
  readonly #versions = new Map<Type, string>();

  override subscribe(type: Type, names: readonly string[]): void {
    // A list that is empty means different things at different times; subscription.test.ts has that.
    if (names.length === 0) return;
    this.subscribed.set(type, new Set(names));
    const held = this.held.get(type);
    for (const name of held?.keys() ?? []) if (!this.covers(type, name)) held?.delete(name);
    this.script.ask(type, names, { nonce: this.script.nonce(type) });
    // The server takes that for an answer if it names the nonce of a response: so does the client.
    for (const send of this.unanswered.get(type) ?? []) this.apply(type, send);
    this.unanswered.delete(type);
  }

  /** Only the last response can be answered. */
  override reply(type: Type, _send: Send, accepts: boolean, isLast: boolean): void {
    if (isLast) this.script[accepts ? "ack" : "nack"](type);
  }

  override apply(type: Type, send: Send): void {
    const held = this.held.get(type) ?? new Map<string, string>();
    if (isFullStateType(send.typeUrl)) held.clear();
    for (const { name, version } of send.resources) if (this.covers(type, name)) held.set(name, version);
    this.#versions.set(type, send.version);
  }

  override goes(type: Type, send: Send): string[] {
    const sent = new Set(send.resources.map(({ name }) => name));
    return isFullStateType(send.typeUrl)
      ? [...(this.held.get(type)?.keys() ?? [])].filter((name) => !sent.has(name))
      : [];
  }

  override resume(type: Type): SotwScript {
    const names = [...(this.subscribed.get(type) ?? [])];
    return new SotwScript().ask(type, names, { version: this.#versions.get(type) ?? "" });
  }
}

class DeltaClient extends Client {
  override readonly script = new DeltaScript();

  override subscribe(type: Type, names: readonly string[]): void {
    const before = this.subscribed.get(type);
    if (before === undefined && names.length === 0) return;
    const after = new Set(names);
    this.subscribed.set(type, after);
    const held = this.held.get(type);
    for (const name of held?.keys() ?? []) if (!this.covers(type, name)) held?.delete(name);
    const left = [...(before ?? [])].filter((name) => !after.has(name)).map((name) => `-${name}`);
    this.script.ask(type, [...names.filter((name) => !before?.has(name)), ...left]);
  }

  override apply(type: Type, send: Send): void {
    const held = this.held.get(type);
    for (const { name, version, body } of send.resources) {
      // A virtual host without a body is one that does not exist.
      if (body.length === 0) held?.delete(name);
      else if (this.covers(type, name)) held?.set(name, version);
    }
    for (const name of send.removed) held?.delete(name);
  }

  override reply(type: Type, { nonce }: Send, accepts: boolean): void {
    this.script.ask(type, [], { nonce, ...(accepts ? {} : { error: "no" }) });
  }

  override goes(type: Type, send: Send): string[] {
    return send.removed.filter((name) => this.held.get(type)?.has(name));
  }

  override resume(type: Type): DeltaScript {
    const held = Array.from(this.held.get(type) ?? [], ([name, version]) => `${name}=${version}`);
    return new DeltaScript().ask(type, [...(this.subscribed.get(type) ?? []), ...held]);
  }
}

for (const [variant, open] of [
  ["state of the world", () => new SotwClient()],
  ["incremental", () => new DeltaClient()],
] as const) {
  test(`${variant}: a client converges to its snapshot whatever happened before, and is then left alone`, () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 40 }), arbitrarySnapshot, (steps, last) => {
        const client = open();
        client.run(steps);
        // What was rejected may stand until it changes: so let everything change, and what was not let go be there again.
        client.served = Object.fromEntries(
          TYPES.map((type) => {
            const kept = client.kept.flatMap(([of, name]): [string, string][] =>
              of === type ? [[name, `${name}@kept`]] : [],
            );
            const list = (last[type] ?? []).map((text): [string, string] => [text.split("@")[0] ?? "", text]);
            return [type, [...new Map([...kept, ...list]).values()].map((text) => `${text}.last`)];
          }),
        );
        client.script.serve(client.served);
        client.settle();
        for (const type of TYPES) {
          if (!client.subscribed.has(type)) continue;
          const held = client.holds(type);
          const expected = client.expected(type);
          // Outside the incremental variant a client keeps what is gone, except clusters and listeners.
          const keeps = variant === "state of the world" && !["CDS", "LDS"].includes(type);
          assert.deepEqual(keeps ? held.filter((text) => expected.includes(text)) : held, expected, type);
        }
        const sent = client.script.sends.length;
        client.script.serve(client.served);
        client.script.now += 60_000;
        assert.deepEqual(client.script.take(), [], "R12: nothing changed");
        assert.equal(client.script.sends.length, sent);
        for (const type of TYPES) {
          if (client.expected(type).length === 0) continue; // What does not exist is told again.
          // A client reports what it has by its name, and nobody knows that it wants that by an alias.
          if ([...(client.subscribed.get(type) ?? [])].some((name) => name.endsWith("'"))) continue;
          const resent = client
            .resume(type)
            .serve(client.served)
            .take()
            .filter((line) => /@\w/.test(line));
          assert.deepEqual(resent, [], "R13, R17: the client has it all");
        }
      }),
      { numRuns: 500 },
    );
  });
}
