import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "node:test";
import { pino } from "pino";
import { Webhook as Verifier } from "standardwebhooks";
import { until } from "../../test/support/until.ts";
import { Mesh, source } from "../rollout/testdata/mesh.ts";
import { parseWebhooks, Webhooks, type WebhooksOptions } from "./index.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const spec = JSON.stringify({ waves: [{ percentage: 10, bake: "30s" }, { bake: "30s" }] });

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver over HTTP. What it answers to each request, one status a request, the last for all that follow; 0 for no answer. */
class Receiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #statuses: readonly number[];

  private constructor(statuses: readonly number[]) {
    this.#statuses = statuses;
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const status = this.#statuses[Math.min(this.received.length, this.#statuses.length - 1)] ?? 200;
        this.received.push({ headers: request.headers, body });
        if (status === 0) return;
        response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
      });
    });
  }

  static async start(...statuses: number[]): Promise<Receiver> {
    const receiver = new Receiver(statuses);
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    started.push(() => {
      receiver.#server.closeAllConnections();
      receiver.#server.close();
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  get types(): string[] {
    return this.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  }
}

const started: (() => void)[] = [];
afterEach(() => {
  for (const stop of started.splice(0)) stop();
});

const log: string[] = [];

function tell(webhook: object, options: Partial<WebhooksOptions> = {}): Webhooks {
  const text = JSON.stringify({ webhooks: [{ name: "team", secret: SECRET, ...webhook }] });
  const webhooks = new Webhooks({
    webhooks: parseWebhooks(text, "webhooks.yaml"),
    log: pino({}, { write: (line: string) => void log.push(line) }),
    delaysMs: [5, 5, 5, 5, 5],
    ...options,
  });
  started.push(() => webhooks.close());
  return webhooks;
}

/** A run that is promoted, of a fleet with a clock of its own. */
async function promote(...several: readonly Webhooks[]): Promise<void> {
  const mesh = await Mesh.serving(source("v1", spec));
  mesh.onEvents = (run, events) => several.forEach((webhooks) => webhooks.send(run, events));
  await mesh.adopt(source("v2", spec));
  assert.equal(await mesh.finish(), "Promoted");
}

const ALL = [
  "rollout.started",
  "rollout.wave_started",
  "rollout.judged",
  "rollout.wave_started",
  "rollout.judged",
  "rollout.promoted",
];

test("a run is told of in order, signed so that a library of Standard Webhooks believes it", async () => {
  const receiver = await Receiver.start();
  await promote(tell({ url: receiver.url }));
  await until(() => receiver.received.length === ALL.length, 10_000);
  assert.deepEqual(receiver.types, ALL);
  for (const { headers, body } of receiver.received) {
    assert.equal(headers["content-type"], "application/json");
    const told = new Verifier(SECRET).verify(body, headers as Record<string, string>) as { data: { rollout: string } };
    assert.equal(told.data.rollout, "shop");
    assert.throws(() => new Verifier(SECRET).verify(`${body} `, headers as Record<string, string>));
    assert.throws(() =>
      new Verifier(`whsec_${Buffer.alloc(32, 8).toString("base64")}`).verify(body, headers as Record<string, string>),
    );
  }
  const last = receiver.received[ALL.length - 1]!;
  const { data } = JSON.parse(last.body) as { data: { run: number; phase: string; touched: number; wave: number } };
  assert.deepEqual([data.run, data.phase, data.touched, data.wave], [1, "Promoted", 10, 2]);
});

test("what fails is tried again under the same id, in order, with the time of the attempt", async () => {
  const receiver = await Receiver.start(500, 429, 200);
  await promote(tell({ url: receiver.url }));
  await until(() => receiver.received.length === ALL.length + 2, 10_000);
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  assert.equal(new Set(ids).size, ALL.length);
  assert.equal(new Set(ids.slice(0, 3)).size, 1);
  assert.deepEqual(receiver.types.slice(2), ALL);
});

test("a receiver that never answers, and one that is not there, delay no run", async () => {
  const silent = await Receiver.start(0);
  await promote(tell({ url: silent.url }), tell({ url: "http://127.0.0.1:9/" }));
  await until(() => silent.received.length === 1, 10_000);
});

test("an attempt ends after its time, and a delivery after its attempts: then the next one has its turn", async () => {
  const receiver = await Receiver.start(0, 0, 200);
  await promote(
    tell({ url: receiver.url, events: ["rollout.started", "rollout.promoted"] }, { timeoutMs: 1_500, delaysMs: [5] }),
  );
  await until(() => receiver.received.length === 3, 10_000);
  assert.deepEqual(receiver.types, ["rollout.started", "rollout.started", "rollout.promoted"]);
  assert.match(log.join(""), /rollout\.started of shop is given up after 2 attempts/);
});

test("a receiver that says it is gone is told nothing any more, and no redirect is followed", async () => {
  const gone = await Receiver.start(410);
  const moved = await Receiver.start(302);
  await promote(tell({ url: gone.url }));
  await promote(tell({ url: moved.url, events: ["rollout.promoted"] }, { delaysMs: [1] }));
  await until(() => moved.received.length === 2, 10_000);
  assert.equal(gone.received.length, 1);
});

test("Slack: a text, in which nothing that others wrote is a mention or a link", async () => {
  const receiver = await Receiver.start();
  const webhooks = tell({ url: receiver.url, format: "Slack", events: ["rollout.rolling_back"], secret: undefined });
  const mesh = await Mesh.serving(source("v1", spec));
  mesh.behaviours["v2"] = { answer: "reject" };
  mesh.onEvents = (run, events) =>
    webhooks.send(
      run,
      events.map((event) =>
        event.type === "RollingBack"
          ? { ...event, reason: { ...event.reason, message: "<!channel> & <https://evil>" } }
          : event,
      ),
    );
  await mesh.adopt(source("v2", spec));
  await mesh.finish();
  await until(() => receiver.received.length === 1, 10_000);
  assert.deepEqual(JSON.parse(receiver.received[0]?.body ?? ""), {
    text: "*shop, run 1*: rolling back (rejected by Envoy): &lt;!channel&gt; &amp; &lt;https://evil&gt;",
  });
  assert.equal(receiver.received[0]?.headers["webhook-signature"], undefined);
});

describe("faults of the file", () => {
  const good = { name: "a", url: "https://a.example", secret: SECRET };
  const cases: [webhook: object, fault: RegExp][] = [
    [
      { ...good, url: "http://a.example" },
      /^f: webhooks\[0\]\.url: expected a URL with https, or with http to this machine$/,
    ],
    [{ ...good, url: "https" }, /url: expected a URL/],
    [{ ...good, secret: undefined }, /secret: expected one/],
    [{ ...good, secret: "whsec_c2hvcnQ=" }, /secret: expected whsec_ and 24 to 64 bytes/],
    [{ ...good, events: ["rollout.begun"] }, /events: found "rollout\.begun", expected some of rollout\.started, /],
    [{ ...good, rollouts: [] }, /rollouts: expected a list of names, one at least/],
    [{ ...good, format: "Teams" }, /format: expected Standard or Slack/],
    [{ ...good, header: 1 }, /webhooks\[0\]\.header: unknown field, expected one of name, url/],
    [{ ...good, name: "" }, /name: expected a name/],
  ];
  for (const [webhook, fault] of cases) {
    test(String(fault), () => {
      assert.throws(() => parseWebhooks(JSON.stringify({ webhooks: [webhook] }), "f"), { message: fault });
    });
  }

  test("a name that is there twice; no list; no YAML", () => {
    assert.throws(() => parseWebhooks(JSON.stringify({ webhooks: [good, good] }), "f"), {
      message: /webhooks\[1\]\.name: "a" is there twice/,
    });
    assert.throws(() => parseWebhooks("a: 1", "f"), { message: "f: webhooks: expected a list" });
    assert.throws(() => parseWebhooks("webhooks: [", "f"), { message: /^f: / });
  });
});
