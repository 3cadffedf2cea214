import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { checkModule } from "../host/index.ts";
import { probe, type ProbeOptions } from "../host/testdata/probe.ts";
import { tryInEnvoy, type ShadowFilter } from "../controlplane/shadow/index.ts";
import { envoyBinary } from "../setup/envoy.mjs";
import { root } from "../setup/paths.mjs";

const configurations: Readonly<Record<string, object>> = {
  authz: { rules: [{ name: "api", action: "allow", paths: [{ prefix: "/api" }], principals: [{ any: true }] }] },
  ratelimit: {
    limits: [
      {
        name: "per-client",
        tokenBucket: { maxTokens: 5, tokensPerFill: 5, fillInterval: "60s" },
        key: [{ header: "x-request-id" }, { clientAddress: {} }],
      },
    ],
  },
  "ab-routing": {
    experiments: [
      {
        name: "checkout",
        header: "x-checkout",
        default: "old",
        split: {
          key: [{ cookie: "session" }],
          salt: "s",
          variants: [
            { name: "new", weight: 1000 },
            { name: "old", weight: 9000 },
          ],
        },
      },
    ],
  },
};

const ours = (name: string): ShadowFilter => ({
  name,
  rootId: name,
  module: readFileSync(join(root, "build", `${name}.wasm`)),
  configuration: JSON.stringify(configurations[name]),
  vmConfiguration: undefined,
});

const made = async (options: ProbeOptions, configuration?: string): Promise<ShadowFilter> => ({
  name: "made",
  rootId: "",
  module: await probe(options),
  configuration,
  vmConfiguration: undefined,
});

describe("our filters pass the pre-checks", () => {
  for (const [name, configuration] of Object.entries(configurations)) {
    test(`${name}, with 20,000 requests in a host`, async () => {
      const options = { rootId: name, configuration: JSON.stringify(configuration), requests: 20_000 };
      const result = await checkModule(ours(name).module, { ...options, timeoutMs: 60_000 });
      assert.ok(result.ok, JSON.stringify(result));
    });
  }

  test("all of them together in a real Envoy", async () => {
    assert.deepEqual(await tryInEnvoy(await envoyBinary(), Object.keys(configurations).map(ours)), []);
  });
});

describe("in a real Envoy is found", () => {
  const faults: [what: string, options: ProbeOptions, finding: RegExp][] = [
    [
      "a filter that refuses its configuration",
      { callbacks: { proxy_on_configure: { returns: 0 } } },
      /^Envoy does not start with them: .*(Unable to create Wasm|configure)/i,
    ],
    [
      "one that traps at some request",
      {
        callbacks: {
          proxy_on_request_headers: {
            wat: `(global.set $count (i32.add (global.get $count) (i32.const 1)))
              (if (i32.eq (global.get $count) (i32.const 20)) (then unreachable))`,
          },
        },
        extra: "(global $count (mut i32) (i32.const 0))",
      },
      /^in Envoy: trap in proxy_on_request_headers: .*unreachable/,
    ],
  ];
  for (const [what, options, finding] of faults) {
    test(what, async () => {
      const findings = await tryInEnvoy(await envoyBinary(), [await made(options)]);
      assert.match(findings.join("\n"), finding);
    });
  }

  test("that it is no Envoy", async () => {
    await assert.rejects(tryInEnvoy("/nonexistent/envoy", [ours("authz")]), /cannot run .*ENOENT/);
  });
});
