// The filter ratelimit with envoyproxy/ratelimit and a real Redis, beside Envoy's own filter. `npm run test:peers` builds the server and runs it.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFilters } from "../../setup/filters.mjs";
import { root } from "../../setup/paths.mjs";
import { besideNative } from "../../test/support/beside-native.ts";
import { Envoy } from "../../test/support/envoy.ts";
import { get, startApp, type Answer } from "../../test/support/http.ts";
import { freePorts } from "../../test/support/ports.ts";
import { Process } from "../../test/support/processes.ts";
import { Redis, withoutRedis } from "../../test/support/redis.ts";
import { rateLimitServer } from "./ratelimit.mjs";

const LIMITS = `
domain: shop
descriptors:
  - key: client
    value: none
    rate_limit: { unlimited: true }
  - key: client
    value: few
    rate_limit: { unit: day, requests_per_unit: 6 }
  - key: client
    value: quiet
    shadow_mode: true
    rate_limit: { unit: day, requests_per_unit: 1 }
  - key: client
    descriptors:
      - key: tier
        value: gold
        rate_limit: { unit: day, requests_per_unit: 4 }
      - key: tier
        rate_limit: { unit: day, requests_per_unit: 2 }
`;

const missing = existsSync(rateLimitServer()) ? withoutRedis() : "envoyproxy/ratelimit is not built";

describe("envoyproxy/ratelimit", { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-ratelimit-"));
  let redis: Redis;
  let server: Process;
  let envoy: Envoy;
  let app: Awaited<ReturnType<typeof startApp>>;
  let ours = 0;
  let native = 0;

  before(async () => {
    await buildFilters(["ratelimit"]);
    app = await startApp("app");
    redis = await Redis.start();
    const ports = await freePorts(8);
    const [first = 0, second = 0, denyOurs = 0, denyNative = 0, adminPort = 0, http = 0, grpc = 0, debug = 0] = ports;
    [ours, native] = [first, second];
    mkdirSync(join(folder, "limits", "config"), { recursive: true });
    writeFileSync(join(folder, "limits", "config", "shop.yaml"), LIMITS);
    server = new Process("ratelimit", rateLimitServer(), [], {
      env: {
        ...process.env,
        ...{ USE_STATSD: "false", LOG_LEVEL: "info", REDIS_SOCKET_TYPE: "tcp", RUNTIME_ROOT: folder },
        ...{
          REDIS_URL: `127.0.0.1:${String(redis.port)}`,
          RUNTIME_SUBDIRECTORY: "limits",
          RUNTIME_WATCH_ROOT: "false",
        },
        ...{ HOST: "127.0.0.1", GRPC_HOST: "127.0.0.1", DEBUG_HOST: "127.0.0.1" },
        ...{ PORT: String(http), GRPC_PORT: String(grpc), DEBUG_PORT: String(debug) },
      },
    });
    await server.waitFor(/Listening for gRPC/);
    const listeners = [
      { ours, native, denies: false },
      { ours: denyOurs, native: denyNative, denies: true },
    ];
    const module = join(root, "build", "ratelimit.wasm");
    const text = besideNative({ module, listeners, appPort: app.port, servicePort: grpc, adminPort });
    envoy = await Envoy.start("peers", text, adminPort);
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    // The first call connects.
    for (let i = 0; i < 50; ++i) {
      await get(native, "/", { headers: { "x-client": "none" } });
      await sleep(20);
    }
  });
  after(async () => {
    await envoy.stop();
    await server.stop();
    await redis.stop();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const seen = ({ status, headers }: Answer): unknown[] => [
    status,
    headers["x-envoy-ratelimited"],
    headers["x-ratelimit-limit"]?.toString().split(",")[0],
    headers["x-ratelimit-remaining"],
  ];
  /** The same requests by the two filters in turn, which share one count. */
  async function inTurn(headers: Record<string, string>, count: number): Promise<unknown[][]> {
    const answers: unknown[][] = [];
    for (let i = 0; i < count; ++i) answers.push(seen(await get(i % 2 === 0 ? ours : native, "/", { headers })));
    return answers;
  }

  test("one count for both filters, and the same words at each step", async () => {
    assert.deepEqual(await inTurn({ "x-client": "few" }, 8), [
      ...[5, 4, 3, 2, 1, 0].map((left) => [200, undefined, "6", String(left)]),
      [429, "true", "6", "0"],
      [429, "true", "6", "0"],
    ]);
  });

  test("nested descriptors, and any value of a key for itself", async () => {
    const statuses = async (headers: Record<string, string>): Promise<unknown[]> =>
      (await inTurn(headers, 6)).map(([status]) => status);
    assert.deepEqual(await statuses({ "x-client": "a", "x-tier": "gold" }), [200, 200, 200, 200, 429, 429]);
    assert.deepEqual(await statuses({ "x-client": "a", "x-tier": "tin" }), [200, 200, 429, 429, 429, 429]);
    assert.deepEqual(await statuses({ "x-client": "a", "x-tier": "lead" }), [200, 200, 429, 429, 429, 429]);
    assert.deepEqual(await statuses({ "x-client": "a" }), Array(6).fill(200));
    assert.deepEqual(await statuses({ "x-client": "none" }), Array(6).fill(200));
    assert.deepEqual(await statuses({ "x-client": "quiet" }), Array(6).fill(200));
  });

  test("a value that is no UTF-8 does not pass the limits by", async () => {
    const headers = { "x-client": "\u00ff", "x-tier": "\u00fe" };
    const statuses = [];
    for (let i = 0; i < 4; ++i) statuses.push((await get(ours, "/", { headers })).status);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
  });

  test("without Redis the service fails, and requests pass as they are to", async () => {
    await redis.kill();
    const headers = { "x-client": "few" };
    const answers = [await get(ours, "/", { headers }), await get(native, "/", { headers })];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
  });
});
