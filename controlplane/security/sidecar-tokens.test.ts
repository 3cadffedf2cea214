import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { SidecarTokens, type PodIdentity, type TokenReviewer } from "./sidecar-tokens.ts";

const pod: PodIdentity = { kind: "pod", namespace: "shop", name: "web-1", node: "web-1.shop", account: "web" };
const begin = Date.parse("2030-01-01T00:00:00Z");

/** A token as it looks, with a signature that only the reviewer can judge. */
function token(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

const good = token({ aud: ["meshwright"], exp: begin / 1_000 + 3_600 });

function refusal(answer: PodIdentity | string): string {
  return typeof answer === "string" ? answer : `let in: ${answer.name}`;
}

class Reviewer implements TokenReviewer {
  readonly audience = "meshwright";
  readonly asked: string[] = [];
  answer: Awaited<ReturnType<TokenReviewer["review"]>> | Error = pod;

  review(asked: string): ReturnType<TokenReviewer["review"]> {
    this.asked.push(asked);
    return this.answer instanceof Error ? Promise.reject(this.answer) : Promise.resolve(this.answer);
  }
}

describe("tokens of sidecars", () => {
  let tokens: SidecarTokens | undefined;
  afterEach(() => tokens?.stop());

  function open(): { tokens: SidecarTokens; reviewer: Reviewer; pass: (seconds: number) => Promise<void> } {
    let now = begin;
    const reviewer = new Reviewer();
    const opened = (tokens = new SidecarTokens(reviewer, { everyMs: 1_000_000, now: () => now }));
    const pass = async (seconds: number): Promise<void> => {
      now += seconds * 1_000;
      await opened.look();
    };
    return { tokens: opened, reviewer, pass };
  }

  test("are reviewed once for all calls of a minute, also those at once", async () => {
    const { tokens, reviewer, pass } = open();
    assert.deepEqual(await Promise.all([tokens.admit(good), tokens.admit(good)]), [pod, pod]);
    await pass(59);
    assert.deepEqual(await tokens.admit(good), pod);
    assert.deepEqual(tokens.known(good), pod);
    assert.equal(reviewer.asked.length, 1);
    await pass(2);
    assert.equal(tokens.known(good), undefined, "which nobody uses is forgotten");
    assert.deepEqual(await tokens.admit(good), pod);
    assert.equal(reviewer.asked.length, 2);
  });

  test("that cannot be good cost no review", async () => {
    const { tokens, reviewer } = open();
    const exp = begin / 1_000 + 60;
    const bad: [string, RegExp][] = [
      ["", /no token of Kubernetes/],
      ["a.b", /no token of Kubernetes/],
      ["a.b.c", /no token of Kubernetes/],
      ["a.bnVsbA.c", /without an end/],
      [`${good}.more`, /no token of Kubernetes/],
      [`${"a".repeat(9_000)}.b.c`, /no token of Kubernetes/],
      [token({ aud: ["meshwright"] }), /without an end/],
      [token({ aud: ["meshwright"], exp: "soon" }), /without an end/],
      [token({ aud: ["https://kubernetes.default.svc"], exp }), /its audience is not "meshwright"/],
      [token({ exp }), /its audience/],
      [token({ aud: "meshwright", exp: begin / 1_000 }), /has ended/],
    ];
    for (const [text, reason] of bad) assert.match(refusal(await tokens.admit(text)), reason, text);
    assert.equal(reviewer.asked.length, 0);
  });

  test("that the cluster refuses are not known", async () => {
    const { tokens, reviewer } = open();
    reviewer.answer = { kind: "refused", reason: "pod is gone" };
    assert.equal(await tokens.admit(good), "pod is gone");
    assert.equal(tokens.known(good), undefined);
    reviewer.answer = new Error("connection refused");
    await assert.rejects(tokens.admit(good), /connection refused/);
    reviewer.answer = pod;
    assert.deepEqual(await tokens.admit(good), pod);
  });

  test("end what they let in when they end", async () => {
    const { tokens, pass } = open();
    await tokens.admit(good);
    const ends: string[] = [];
    tokens.use(good, { end: (reason) => ends.push(`first: ${reason}`) });
    const release = tokens.use(good, { end: (reason) => ends.push(`second: ${reason}`) });
    release();
    await pass(3_599);
    assert.deepEqual(tokens.known(good), pod, "as long as it is used");
    assert.deepEqual(ends, []);
    await pass(1);
    assert.deepEqual(ends, ["first: the token has ended"]);
    assert.equal(tokens.known(good), undefined);
    assert.match(refusal(await tokens.admit(good)), /has ended/);
  });

  test("are reviewed again while streams are open, and end them when the pod is no more, not when the API is away", async () => {
    const { tokens, reviewer, pass } = open();
    await tokens.admit(good);
    const ends: string[] = [];
    tokens.use(good, { end: (reason) => ends.push(reason) });
    await pass(599);
    assert.equal(reviewer.asked.length, 1);
    reviewer.answer = new Error("connection refused");
    await pass(1);
    assert.equal(reviewer.asked.length, 2);
    assert.deepEqual(ends, []);
    reviewer.answer = { kind: "refused", reason: "pod is gone" };
    await pass(1);
    assert.deepEqual(ends, ["pod is gone"]);
    assert.equal(tokens.known(good), undefined);
  });

  test("that are made up take the API from nobody", async () => {
    const { tokens, reviewer } = open();
    reviewer.review = () => new Promise(() => undefined);
    const exp = begin / 1_000 + 60;
    for (let i = 0; i < 50; i++) void tokens.admit(token({ aud: "meshwright", exp, i }));
    await assert.rejects(tokens.admit(good), /too many tokens/);
  });
});
