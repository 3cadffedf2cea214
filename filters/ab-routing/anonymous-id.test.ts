import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { HttpStream } from "@meshwright/host";
import { Envoys, type Worker } from "../testing/filter.ts";

// The cookie that the filter issues: form and attributes (RFC 6265), and that nobody else can make one.

const envoys = new Envoys("ab-routing");

const OLD = Buffer.from("an old secret, retired");
const NEW = Buffer.from("a new secret, in force");
const text = (secret: Buffer): string => secret.toString("base64url");

const variants = [
  { name: "on", weight: 5000 },
  { name: "off", weight: 5000 },
];

async function start(fields: object = {}): Promise<Worker> {
  const envoy = await envoys.start();
  return envoy.worker({
    anonymousId: { cookie: "uid", secrets: [text(NEW), text(OLD)], ...fields },
    experiments: [
      { name: "a", header: "x-a", default: "off", split: { key: [{ header: "x-user" }], anonymous: true, variants } },
    ],
  });
}

const cookieOf = (stream: HttpStream): string[] => stream.response.headers?.getAll("set-cookie") ?? [];
const variantOf = (stream: HttpStream): string | undefined => stream.request.headers?.get("x-a");
const withCookie = (worker: Worker, value: string): HttpStream =>
  worker.send({ headers: [["cookie", `a=b; uid=${value}`]] });

function made(secret: Buffer, id: string, name = "uid"): string {
  const code = createHmac("sha256", secret).update(`${name}=${id}`).digest().subarray(0, 16);
  return `${id}.${code.toString("base64url")}`;
}

test("a client without an id gets one, and with it the same variant from then on", async () => {
  const worker = await start();
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const first = worker.send();
    const [cookie = "", ...more] = cookieOf(first);
    assert.deepEqual(more, []);
    const [, value = "", attributes] = /^uid=([^;]+)(.*)$/.exec(cookie) ?? [];
    assert.equal(attributes, "; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=Lax");
    const [id = ""] = value.split(".");
    assert.match(id, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(value, made(NEW, id));
    assert.ok(!seen.has(id));
    seen.add(id);
    const second = withCookie(worker, value);
    assert.equal(variantOf(second), variantOf(first));
    assert.deepEqual(cookieOf(second), []);
  }
});

test("the attributes are those that are asked for", async () => {
  const worker = await start({
    cookie: "__Secure-ab",
    maxAge: "1h30m",
    path: "/shop",
    domain: "a.example",
    sameSite: "none",
  });
  const [cookie = ""] = cookieOf(worker.send());
  assert.match(cookie, /^__Secure-ab=/);
  assert.match(cookie, /; Max-Age=5400; Domain=a\.example; Path=\/shop; Secure; HttpOnly; SameSite=None$/);
});

test("a cookie by a retired secret is still good; any other is as none", async () => {
  const worker = await start();
  const id = "AAAAAAAAAAAAAAAAAAAAAA";
  assert.deepEqual(cookieOf(withCookie(worker, made(OLD, id))), []);
  assert.deepEqual(cookieOf(withCookie(worker, made(NEW, id))), []);
  const good = made(NEW, id);
  const forged = [
    "",
    id,
    `${id}.`,
    made(Buffer.from("another secret of 22 b"), id),
    made(NEW, id, "uie"),
    good.replace("A", "B"),
    `${good.slice(0, -1)}${good.endsWith("A") ? "B" : "A"}`,
    `${good}A`,
    `.${good}`,
    `"${good}"`,
    made(NEW, "short"),
    made(NEW, "A".repeat(1000)),
  ];
  for (const value of forged) assert.equal(cookieOf(withCookie(worker, value)).length, 1, value);
});

test("who is known otherwise gets no cookie", async () => {
  const worker = await start();
  assert.deepEqual(cookieOf(worker.send({ headers: [["x-user", "1"]] })), []);
  assert.equal(cookieOf(worker.send({ headers: [["x-user", ""]] })).length, 1);
});

test("two experiments on one request share the id", async () => {
  const envoy = await envoys.start();
  const split = { anonymous: true, variants };
  const worker = await envoy.worker({
    anonymousId: { cookie: "uid", secrets: [text(NEW)] },
    experiments: ["a", "b"].map((name) => ({ name, header: `x-${name}`, default: "off", split })),
  });
  const first = worker.send();
  const [cookie = ""] = cookieOf(first);
  assert.equal(cookieOf(first).length, 1);
  const second = withCookie(worker, /^uid=([^;]+)/.exec(cookie)?.[1] ?? "");
  for (const name of ["x-a", "x-b"]) assert.equal(second.request.headers?.get(name), first.request.headers?.get(name));
});
