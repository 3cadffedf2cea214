// The filter ratelimit with a rate limit service, beside Envoy's own filter with the same service, in one Envoy.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
  RateLimitResponse_Code as ResponseCode,
  RateLimitResponse_RateLimit_Unit as Unit,
} from "../controlplane/gen/envoy/service/ratelimit/v3/rls_pb.js";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { Envoy } from "./support/envoy.ts";
import { get, startApp, type Answer } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";
import { ScriptedService, type ServiceAnswer } from "./support/ratelimit-service.ts";
import { besideNative } from "./support/beside-native.ts";

const { OK, OVER_LIMIT } = ResponseCode;

/** Limits beside the service's. What a refusal costs shows whether it was charged. */
const LOCAL = [
  {
    name: "local",
    tokenBucket: { maxTokens: 6, fillInterval: "1h" },
    key: [{ header: "x-client" }],
    cost: { hits: 2 },
    responseCost: { hits: 1, statuses: ["429", "5xx"] },
  },
  { name: "busy", concurrency: { requests: 1 } },
];

describe("a rate limit service", () => {
  let service: ScriptedService;
  let envoy: Envoy;
  let app: Awaited<ReturnType<typeof startApp>>;
  const ports = { ours: 0, native: 0, ourDeny: 0, nativeDeny: 0, withLocal: 0 };

  before(async () => {
    await buildFilters(["ratelimit"]);
    app = await startApp("app");
    service = await ScriptedService.start();
    const [ours = 0, native = 0, ourDeny = 0, nativeDeny = 0, withLocal = 0, adminPort = 0] = await freePorts(6);
    Object.assign(ports, { ours, native, ourDeny, nativeDeny, withLocal });
    const module = join(root, "build", "ratelimit.wasm");
    const listeners = [
      { ours, native, denies: false },
      { ours: ourDeny, native: nativeDeny, denies: true },
      { ours: withLocal, denies: true, limits: LOCAL },
    ];
    const text = besideNative({ module, listeners, appPort: app.port, servicePort: service.port, adminPort });
    envoy = await Envoy.start("service", text, adminPort);
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });
  after(async () => {
    await envoy.stop();
    service.stop();
    await app.stop();
  });
  beforeEach(() => (service.requests.length = 0));

  const headers = { "x-client": "ada", "x-tier": "gold" };
  const both = async (answer: ServiceAnswer, sent: Record<string, string>, deny = false): Promise<[Answer, Answer]> => {
    service.answer = () => answer;
    const [ours, native] = deny ? [ports.ourDeny, ports.nativeDeny] : [ports.ours, ports.native];
    return [await get(ours, "/x", { headers: sent }), await get(native, "/x", { headers: sent })];
  };
  /** What both are to agree in. */
  const seen = ({ status, headers: found, body }: Answer): unknown => ({
    status,
    limited: found["x-envoy-ratelimited"],
    added: found["x-added"],
    limit: found["x-ratelimit-limit"]?.toString().split(",")[0],
    remaining: found["x-ratelimit-remaining"],
    reset: found["x-ratelimit-reset"],
    upstream:
      status === 200 ? (JSON.parse(body) as { headers: Record<string, string> }).headers["x-upstream"] : undefined,
  });

  const quota = { requestsPerUnit: 10, unit: Unit.MINUTE };
  const reset = { seconds: 7n, nanos: 0 };
  const answers: [what: string, answer: ServiceAnswer][] = [
    ["a yes", { overallCode: OK }],
    [
      "a yes with headers and quotas",
      {
        overallCode: OK,
        responseHeadersToAdd: [{ key: "x-added", value: "1" }],
        requestHeadersToAdd: [{ key: "x-upstream", value: "2" }],
        statuses: [
          { code: OK, currentLimit: quota, limitRemaining: 8, durationUntilReset: reset },
          {
            code: OK,
            currentLimit: { requestsPerUnit: 5, unit: Unit.MINUTE },
            limitRemaining: 3,
            durationUntilReset: reset,
          },
        ],
      },
    ],
    [
      "a no with headers",
      {
        overallCode: OVER_LIMIT,
        responseHeadersToAdd: [{ key: "x-added", value: "no" }],
        statuses: [{ code: OVER_LIMIT, currentLimit: quota, limitRemaining: 0, durationUntilReset: reset }],
      },
    ],
    ["a no with a body", { overallCode: OVER_LIMIT, rawBody: new TextEncoder().encode("too much") }],
    ["an error", 13],
    ["nothing in time", undefined],
  ];
  for (const deny of [false, true]) {
    for (const [what, answer] of answers) {
      test(`${what}: as Envoy's own filter, where failures are ${deny ? "refused" : "passed"}`, async () => {
        const [ours, native] = await both(answer, headers, deny);
        assert.deepEqual(seen(ours), seen(native));
        if (what === "a no with a body") assert.deepEqual([ours.body, native.body], ["too much", "too much"]);
        assert.deepEqual(service.requests[0], service.requests[1]);
        assert.equal(service.requests.length, 2);
      });
    }
  }

  test("the service is told the descriptors, in order", async () => {
    await both({ overallCode: OK }, headers);
    const [request] = service.requests;
    assert.equal(request?.domain, "shop");
    assert.deepEqual(
      request.descriptors.map(({ entries }) => entries.map(({ key, value }) => [key, value])),
      [
        [["client", "ada"]],
        [
          ["client", "ada"],
          ["tier", "gold"],
        ],
      ],
    );
  });

  test("a limit whose value is missing sends no descriptor, and without any the service is not asked", async () => {
    await both({ overallCode: OK }, { "x-client": "ada" });
    assert.deepEqual(
      service.requests.map(({ descriptors }) => descriptors.length),
      [1, 1],
    );
    service.requests.length = 0;
    const [ours, native] = await both({ overallCode: OVER_LIMIT }, {});
    assert.deepEqual([ours.status, native.status], [200, 200]);
    assert.equal(service.requests.length, 0);
  });

  test("a value that is no UTF-8 is told by its hash, so that the service can read the message", async () => {
    service.answer = () => ({ overallCode: OVER_LIMIT });
    const { status } = await get(ports.ours, "/x", { headers: { "x-client": "\u00ff" } });
    assert.equal(status, 429);
    assert.match(service.requests[0]?.descriptors[0]?.entries[0]?.value ?? "", /^sha256:[0-9a-f]{64}$/);
  });

  /** What a client gets where limits of the Envoy stand beside those of the service: who refused, and what remains. */
  const withLocal = async (client: string, answer: ServiceAnswer): Promise<unknown[]> => {
    service.answer = () => answer;
    const { status, headers } = await get(ports.withLocal, "/x", { headers: { "x-client": client } });
    return [status, headers["x-envoy-ratelimited"], headers["x-ratelimit-remaining"]];
  };

  for (const [what, client, no, refusal] of [
    ["refuses", "eve", { overallCode: OVER_LIMIT }, [429, "true", undefined]],
    ["fails, which refuses here", "bob", 13, [500, undefined, undefined]],
  ] as const) {
    test(`when the service ${what}, other limits keep nothing of what they charged`, async () => {
      const yes = { overallCode: OK };
      for (let i = 0; i < 5; ++i) assert.deepEqual(await withLocal(client, no), refusal);
      assert.deepEqual(await withLocal(client, yes), [200, undefined, "0"]);
    });
  }
});
