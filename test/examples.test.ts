import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { PAGE, startUpstream } from "../examples/body-rewrite/upstream.mjs";
import { startQuotaService } from "../examples/grpc-callout/service.mjs";
import { root } from "../setup/paths.mjs";
import { RunningExample, exampleNames } from "./support/examples.ts";
import { get, type Answer, type Ask } from "./support/http.ts";

interface Scenario {
  /** Envoy's workers; 1 unless set. */
  readonly concurrency?: number;
  readonly run: (example: RunningExample) => Promise<void>;
}

const ask = (example: RunningExample, path: string, headers: Ask["headers"] = {}): Promise<Answer> =>
  get(example.port(10000), path, { headers });
const bearer = (token: string): Ask["headers"] => ({ authorization: `Bearer ${token}` });

/** Sends text over TCP and gives what comes back until the connection is closed. */
async function converse(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (data: string) => {
    received += data;
    // What was echoed is all that this waits for.
    if (received.endsWith("\n")) socket.end();
  });
  socket.write(text);
  await once(socket, "close");
  return received;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  hello: {
    run: async (example) => {
      assert.equal((await ask(example, "/", { "x-user": "ada" })).headers["x-hello"], "ada");
      assert.equal((await ask(example, "/")).headers["x-hello"], "stranger");
      assert.equal((await ask(example, "/", { "x-user": "\xff\xfe" })).status, 200);
    },
  },
  "header-edit": {
    run: async (example) => {
      const { headers } = await ask(example, "/", { "x-debug": "1", "x-env": "mine" });
      assert.equal(headers["x-seen"], "prod");
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["x-powered-by"], undefined);
    },
  },
  "body-rewrite": {
    run: async (example) => {
      const upstream = startUpstream(example.port(10002));
      try {
        await once(upstream, "listening");
        for (const port of [10000, 10003]) {
          const answer = await get(example.port(port), "/");
          assert.equal(answer.body, PAGE.replaceAll("http://example.com", "https://example.com"), String(port));
          assert.equal(answer.headers["content-length"], undefined);
        }
      } finally {
        upstream.close();
        upstream.closeAllConnections();
      }
    },
  },
  "auth-callout": {
    run: async (example) => {
      assert.equal((await ask(example, "/")).status, 401);
      const allowed = await ask(example, "/", { ...bearer("sesame"), "x-user": "eve" });
      assert.deepEqual([allowed.status, allowed.headers["x-caller"]], [200, "ada"]);
      assert.equal((await ask(example, "/", bearer("guess"))).status, 403);
      assert.equal((await ask(example, "/", bearer("broken"))).status, 503);
    },
  },
  "grpc-callout": {
    run: async (example) => {
      assert.equal((await ask(example, "/")).status, 503, "no service");
      const service = startQuotaService(example.port(10002));
      try {
        await once(service, "listening");
        // Envoy connects anew after a pause.
        await example.envoy.until(async () => (await ask(example, "/")).status === 200);
        for (const left of ["2", "1", "0"]) {
          assert.equal((await ask(example, "/", { "x-user": "ada" })).headers["x-left"], left);
        }
        assert.equal((await ask(example, "/", { "x-user": "ada" })).status, 429);
        assert.equal((await ask(example, "/", { "x-user": "bob" })).status, 200);
      } finally {
        await example.envoy.stop();
        service.close();
      }
    },
  },
  "shared-counter": {
    concurrency: 4,
    run: async (example) => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(example, "/")));
      const counts = answers.map(({ headers }) => Number(headers["x-count"])).sort((a, b) => a - b);
      assert.deepEqual(
        counts,
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
    },
  },
  queue: {
    concurrency: 2,
    run: async (example) => {
      for (let i = 0; i < 5; ++i) await ask(example, "/");
      await ask(example, "/missing");
      const count = (status: number) => example.envoy.stat(`wasmcustom.answers;status=${status}`);
      await example.envoy.until(async () => (await count(200)) === 5 && (await count(404)) === 1);
    },
  },
  "tcp-echo-guard": {
    run: async (example) => {
      assert.equal(await converse(example.port(10000), "open sesame\nhello\n"), "hello\n");
      assert.equal(await converse(example.port(10000), "open sesam\nhello\n"), "");
      assert.equal(await converse(example.port(10000), "x".repeat(300)), "");
      assert.equal(await example.envoy.stat("wasmcustom.guard.accepted"), 1);
    },
  },
  metrics: {
    run: async (example) => {
      for (let i = 0; i < 3; ++i) await ask(example, "/");
      await ask(example, "/missing");
      const text = () => example.envoy.admin("/stats/prometheus");
      await example.envoy.until(async () => /^requests\{method="GET",status="404"\} 1$/m.test(await text()));
      assert.match(await text(), /^requests\{method="GET",status="200"\} 3$/m);
      assert.match(await text(), /^requests_active\{\} 0$/m);
    },
  },
  "access-log": {
    run: async (example) => {
      await ask(example, "/");
      await ask(example, '/missing"', { "x-user": "ada" });
      await ask(example, "/missing", { "x-user": "ada" });
      await example.envoy.process.waitFor(/\{"status":404,"method":"GET","path":"\/missing","user":"ada","details":/);
      assert.doesNotMatch(example.envoy.process.output, /\{"status":200/);
    },
  },
  "response-cache": {
    run: async (example) => {
      const first = await ask(example, "/");
      assert.deepEqual([first.body, first.headers["x-cache"]], ["page\n", undefined]);
      const second = await ask(example, "/");
      assert.deepEqual([second.body, second.headers["x-cache"]], ["page\n", "hit"]);
      assert.equal(second.headers["content-type"], "text/plain");
      assert.equal(await example.envoy.stat("http.origin.downstream_rq_total"), 1);
      for (let i = 0; i < 2; ++i) assert.equal((await ask(example, "/private")).headers["x-cache"], undefined);
    },
  },
};

test("every example has its parts", () => {
  assert.deepEqual(exampleNames().sort(), Object.keys(scenarios).sort());
  for (const name of exampleNames()) {
    for (const part of ["index.ts", "index.test.ts", "envoy.yaml", "README.md"]) {
      assert.ok(existsSync(join(root, "examples", name, part)), `examples/${name}/${part}`);
    }
  }
});

describe("examples in Envoy, by the configuration that their README names", { concurrency: 2 }, () => {
  for (const [name, { concurrency = 1, run }] of Object.entries(scenarios)) {
    test(name, async () => {
      const example = await RunningExample.start(name, concurrency);
      try {
        await run(example);
      } finally {
        await example.envoy.stop();
      }
    });
  }
});
