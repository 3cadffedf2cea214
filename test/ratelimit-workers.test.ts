// The filter ratelimit in a real Envoy with four workers that count together, and requests in flight over HTTP/2.
import assert from "node:assert/strict";
import { Agent, createServer, type Server, type ServerResponse } from "node:http";
import {
  connect,
  constants,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";
import { get } from "./support/http.ts";
import { listen } from "./support/ports.ts";

const QUOTA = 500;
const PLACES = 20;

/** Algorithms whose buckets all workers share; nothing comes back within the test. */
const ALGORITHMS: Readonly<Record<string, object>> = {
  tokenBucket: { tokenBucket: { maxTokens: QUOTA, fillInterval: "744h" } },
  gcra: { gcra: { requests: 1, period: "744h", burst: QUOTA } },
  fixedWindow: { fixedWindow: { requests: QUOTA, window: "month" } },
  slidingWindow: { slidingWindow: { requests: QUOTA, window: "month" } },
};

let envoy: FilterEnvoy;
let server: Server;
let http2Server: Http2Server;
/** Answers that the apps keep back. */
const waiting: ServerResponse[] = [];
const waitingStreams: ServerHttp2Stream[] = [];

before(async () => {
  await buildFilters(["ratelimit"]);
  server = createServer((_, response) => void waiting.push(response));
  http2Server = createHttp2Server();
  http2Server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    waitingStreams.push(stream);
  });
  const answers = { name: "answers", tokenBucket: { maxTokens: 10_000, fillInterval: "744h" } };
  const configurations: Readonly<Record<string, object>> = {
    ...Object.fromEntries(
      Object.entries(ALGORITHMS).map(([name, algorithm]) => [name, { limits: [{ name, ...algorithm }] }]),
    ),
    answers: { limits: [{ ...answers, cost: { hits: 0 }, responseCost: { hits: 3 } }] },
    places: { limits: [{ name: "places", concurrency: { requests: PLACES } }] },
    place: { limits: [{ name: "place", concurrency: { requests: 1 } }] },
  };
  const module = join(root, "build", "ratelimit.wasm");
  const chains = Object.fromEntries(
    Object.entries(configurations).map(([name, configuration]) => [
      name,
      [wasmFilter("ratelimit", module, configuration)],
    ]),
  );
  envoy = await FilterEnvoy.start(chains, [], {
    concurrency: 4,
    clusters: { app: await listen(server) },
    grpcClusters: { app2: await listen(http2Server) },
    routes: [
      { match: { prefix: "/app/" }, route: { cluster: "app" } },
      { match: { prefix: "/app2/" }, route: { cluster: "app2" } },
    ],
  });
});

after(async () => {
  await envoy.stop();
  server.closeAllConnections();
  server.close();
  http2Server.close();
});

/** Sends requests, many at a time, over as many connections. */
async function send(chain: string, count: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const all = await Promise.all(Array.from({ length: count }, () => get(envoy.port(chain), "/", { agent })));
  agent.destroy();
  return all.filter(({ status }) => status === 200).length;
}

const stat = async (name: string): Promise<number> => {
  const text = await envoy.envoy.admin(`/stats?filter=${name}`);
  return Number(/: (\d+)$/m.exec(text)?.[1] ?? 0);
};

describe("four workers on one bucket", () => {
  for (const name of Object.keys(ALGORITHMS)) {
    test(`${name}: exactly as many pass as may, not one less and not one more`, async () => {
      const some = QUOTA - 200;
      assert.equal(await send(name, some), some);
      assert.equal(await send(name, 600), QUOTA - some);
      assert.equal(await stat(`ratelimit.${name}.allowed`), QUOTA);
      assert.equal(await stat(`ratelimit.${name}.limited`), 600 - (QUOTA - some));
      assert.equal(await stat(`ratelimit.${name}.contended`), 0);
    });
  }

  test("what answers cost is added without loss", async () => {
    assert.equal(await send("answers", 600), 600);
    const { headers } = await get(envoy.port("answers"), "/");
    assert.equal(Number(headers["x-ratelimit-remaining"]), 10_000 - 3 * 600);
  });

  test("concurrency: as many run at a time as there are places, and each place comes back", async () => {
    const passed: number[] = [];
    for (let round = 0; round < 3; ++round) {
      const agent = new Agent({ maxSockets: 80 });
      let refused = 0;
      const all = Array.from({ length: 80 }, async () => {
        const { status } = await get(envoy.port("places"), "/app/", { agent });
        if (status === 429) refused++;
        return status;
      });
      await envoy.envoy.until(() => Promise.resolve(waiting.length + refused === 80));
      for (const response of waiting.splice(0)) response.end();
      passed.push((await Promise.all(all)).filter((status) => status === 200).length);
      agent.destroy();
    }
    assert.deepEqual(passed, [PLACES, PLACES, PLACES]);
  });

  test("more than one worker took part", async () => {
    const stats = await envoy.envoy.admin("/stats?filter=worker_.*downstream_cx_total");
    const busy = [...stats.matchAll(/worker_(\d)\.downstream_cx_total: [1-9]/g)].map(([, worker]) => worker);
    assert.ok(new Set(busy).size > 1, stats);
  });
});

describe("a place is given back over HTTP/2", () => {
  let session: ClientHttp2Session;
  before(() => {
    session = connect(`http://127.0.0.1:${envoy.port("place")}`);
    session.on("error", () => undefined);
  });
  after(() => session.destroy());

  /** The status, once the stream is over; 0 without one. */
  const statusOf = (stream: ClientHttp2Stream): Promise<number> =>
    new Promise((resolve) => {
      let status = 0;
      stream.on("error", () => undefined);
      stream.on("response", (headers) => (status = headers[":status"] ?? 0));
      stream.on("close", () => resolve(stream.aborted ? 0 : status));
      stream.resume();
    });
  const open = (): ClientHttp2Stream => session.request({ ":path": "/app2/", ":authority": "a.example" });
  const isFree = async (): Promise<boolean> => {
    const found = await statusOf(session.request({ ":path": "/", ":authority": "a.example" }));
    return found === 200;
  };

  /** A request that the app has; it holds the only place. */
  async function hold(): Promise<{ stream: ClientHttp2Stream; end: Promise<number>; app: ServerHttp2Stream }> {
    await envoy.envoy.until(isFree);
    // A request before may just be ending.
    for (;;) {
      const stream = open();
      const end = statusOf(stream);
      let isOver = false;
      void end.then(() => (isOver = true));
      await envoy.envoy.until(() => Promise.resolve(waitingStreams.length > 0 || isOver));
      const app = waitingStreams.pop();
      if (app === undefined) continue;
      assert.equal(await isFree(), false);
      return { stream, end, app };
    }
  }

  test("at the normal end, with trailers or without", async () => {
    const first = await hold();
    first.app.respond({ ":status": 200 });
    first.app.end("done");
    assert.equal(await first.end, 200);
    const second = await hold();
    second.app.respond({ ":status": 200 }, { waitForTrailers: true });
    second.app.on("wantTrailers", () => second.app.sendTrailers({ "x-end": "1" }));
    second.app.end("done");
    assert.equal(await second.end, 200);
    await envoy.envoy.until(isFree);
  });

  test("when the client resets the stream, before the answer and in it", async () => {
    const first = await hold();
    first.stream.close(constants.NGHTTP2_CANCEL);
    await first.end;
    const second = await hold();
    second.app.respond({ ":status": 200 });
    second.app.write("a part");
    await new Promise((resolve) => second.stream.once("data", resolve));
    assert.equal(await isFree(), false);
    second.stream.close(constants.NGHTTP2_CANCEL);
    await second.end;
    await envoy.envoy.until(isFree);
  });

  test("when the upstream resets the stream, before the answer and in it", async () => {
    const first = await hold();
    first.app.close(constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal(await first.end, 503);
    const second = await hold();
    second.app.respond({ ":status": 200 });
    second.app.write("a part");
    await new Promise((resolve) => second.stream.once("data", resolve));
    second.app.close(constants.NGHTTP2_INTERNAL_ERROR);
    await second.end;
    await envoy.envoy.until(isFree);
  });

  test("when the connection breaks", async () => {
    const { end } = await hold();
    session.destroy();
    await end;
    session = connect(`http://127.0.0.1:${envoy.port("place")}`);
    await envoy.envoy.until(isFree);
  });
});
