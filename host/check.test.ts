import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkModule, ModuleChecker } from "./check.ts";
import { assemble, probe, step, type ProbeOptions } from "./testdata/probe.ts";

const forever = { wat: "(loop (br 0))" };

test("a module that takes its configuration", async () => {
  const bytes = await probe({
    callbacks: { proxy_on_configure: { steps: [{ ...step("proxy_log", 2, "welcome"), quiet: true }] } },
  });
  const result = await checkModule(bytes, { configuration: "{}" });
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(result.abiVersion, "0.2.1");
  assert.deepEqual(
    result.log.map(({ message }) => message),
    ["welcome"],
  );
});

const failures: [name: string, options: ProbeOptions, stage: string, problem: RegExp][] = [
  ["refuses its configuration", { callbacks: { proxy_on_configure: { returns: 0 } } }, "configure", /returned false/],
  ["refuses to start", { callbacks: { proxy_on_vm_start: { returns: 0 } } }, "vm_start", /returned false/],
  [
    "traps in _initialize",
    { callbacks: { _initialize: { wat: "unreachable" } } },
    "start",
    /_initialize failed.*unreachable/,
  ],
  [
    "traps in configure",
    { callbacks: { proxy_on_configure: { wat: "unreachable" } } },
    "trap",
    /proxy_on_configure failed/,
  ],
  ["loops in _initialize", { callbacks: { _initialize: forever } }, "start", /did not finish within 1500 ms/],
  ["loops in configure", { callbacks: { proxy_on_configure: forever } }, "configure", /did not finish within 1500 ms/],
  [
    "fills the host with shared data",
    {
      callbacks: {
        proxy_on_configure: {
          wat: `(loop (drop (call $proxy_set_shared_data ${"(i32.const 0) ".repeat(2)} (i32.const 0) (i32.const 65536) (i32.const 0))) (br 0))`,
          steps: [step("proxy_set_shared_data", "k", "v", 0)],
        },
      },
    },
    "trap",
    /keep more than 1048576 bytes/,
  ],
  [
    "calls itself without end",
    { callbacks: { proxy_on_configure: { wat: "(call $deep)" } }, extra: "(func $deep (call $deep) (call $deep))" },
    "trap",
    /Maximum call stack size exceeded/,
  ],
  [
    "cannot have the memory that it wants",
    {
      callbacks: {
        proxy_on_configure: { wat: "(if (i32.eq (memory.grow (i32.const 40)) (i32.const -1)) (then unreachable))" },
      },
    },
    "trap",
    /proxy_on_configure failed/,
  ],
];

for (const [name, options, stage, problem] of failures) {
  test(`a module that ${name}`, async () => {
    const bytes = await probe(options);
    const result = await checkModule(bytes, {
      hostMemoryMb: 1,
      memoryMb: 2,
      ...(problem.source.includes("1500") && { timeoutMs: 1500 }),
    });
    assert.ok(!result.ok);
    assert.equal(result.stage, stage);
    assert.match(result.problems.map(({ message }) => message).join("\n"), problem);
  });
}

test("what is not a module", async () => {
  for (const bytes of [new Uint8Array(), new TextEncoder().encode("#!/bin/sh"), await assemble("(module)")]) {
    const result = await checkModule(bytes);
    assert.ok(!result.ok);
    assert.equal(result.stage, "inspect");
    assert.notEqual(result.problems.length, 0);
  }
});

test("a module that is too large", async () => {
  const result = await checkModule(new Uint8Array(1024 * 1024 + 1), { moduleMb: 1 });
  assert.ok(!result.ok);
  assert.match(result.problems[0]?.message ?? "", /at most 1 MiB/);
});

describe("requests", () => {
  const leak = (bytes: number): ProbeOptions => ({
    callbacks: {
      proxy_on_request_headers: {
        wat: `(global.set $lost (i32.add (global.get $lost) (i32.const ${bytes})))
          (if (i32.gt_u (global.get $lost) (i32.const 65536)) (then
            (global.set $lost (i32.const 0))
            (drop (memory.grow (i32.const 1)))))`,
      },
    },
    extra: "(global $lost (mut i32) (i32.const 0))",
  });
  const options = { requests: 8_000, timeoutMs: 30_000 };

  test("a module that is well behaved passes", async () => {
    const bytes = await probe({ callbacks: { proxy_on_request_headers: { returns: 0 } } });
    const result = await checkModule(bytes, options);
    assert.ok(result.ok, JSON.stringify(result));
  });

  for (const bytes of [64, 1_000, 5_000]) {
    test(`a module that loses ${bytes} bytes a request does not`, async () => {
      const result = await checkModule(await probe(leak(bytes)), { ...options, memoryMb: 1024 });
      assert.ok(!result.ok);
      assert.equal(result.stage, "requests");
      assert.match(
        result.problems[0]?.message ?? "",
        /its memory grows with the requests: from [\d.]+ to [\d.]+ MiB in 8000/,
      );
    });
  }

  test("nor one that traps at some request", async () => {
    const module = await probe({
      callbacks: {
        proxy_on_request_headers: {
          wat: `(global.set $count (i32.add (global.get $count) (i32.const 1)))
            (if (i32.eq (global.get $count) (i32.const 500)) (then unreachable))`,
        },
      },
      extra: "(global $count (mut i32) (i32.const 0))",
    });
    const result = await checkModule(module, options);
    assert.ok(!result.ok);
    assert.equal(result.stage, "requests");
    assert.match(result.problems[0]?.message ?? "", /request 500 of 8000.*proxy_on_request_headers failed/s);
  });

  test("nor one that never ends", async () => {
    const bytes = await probe({ callbacks: { proxy_on_request_headers: forever } });
    const result = await checkModule(bytes, { requests: 10, timeoutMs: 1500 });
    assert.ok(!result.ok);
    assert.equal(result.stage, "requests");
    assert.match(result.problems[0]?.message ?? "", /did not finish within 1500 ms/);
  });
});

describe("one module with several configurations", () => {
  /** Takes its configuration the first time only, traps at one of 2 bytes and never ends with one of 3. */
  const counting: ProbeOptions = {
    callbacks: {
      proxy_on_configure: {
        wat: `(if (i32.eq (local.get 1) (i32.const 2)) (then unreachable))
          (if (i32.eq (local.get 1) (i32.const 3)) (then (loop (br 0))))
          (if (i32.eq (local.get 1) (i32.const 4)) (then (return (i32.const 0))))
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (if (i32.gt_u (global.get $count) (i32.const 1)) (then (return (i32.const 0))))
          (drop (memory.grow (i32.const 100)))`,
        returns: 1,
      },
    },
    extra: "(global $count (mut i32) (i32.const 0))",
  };
  const outcome = async (checker: ModuleChecker, configuration: string): Promise<string> => {
    const result = await checker.check({ configuration, timeoutMs: 1_500 });
    return result.ok ? "ok" : result.stage;
  };

  test("each is given to a machine of its own, and what one does is no matter for the next", async () => {
    const checker = new ModuleChecker(await probe(counting));
    const lengths = [1, 1, 4, 1, 2, 1, 3, 1, 1];
    const outcomes = [];
    for (const length of lengths) outcomes.push(await outcome(checker, "x".repeat(length)));
    assert.deepEqual(outcomes, ["ok", "ok", "configure", "ok", "trap", "ok", "configure", "ok", "ok"]);
    // All at once they wait for one another.
    assert.deepEqual(await Promise.all(lengths.map((length) => outcome(checker, "x".repeat(length)))), outcomes);
    checker.close();
    assert.equal(await outcome(checker, "x"), "ok");
    checker.close();
  });

  test("many of them", async () => {
    const checker = new ModuleChecker(await probe(counting));
    for (let i = 0; i < 220; ++i) assert.equal(await outcome(checker, "x"), "ok");
    checker.close();
  });

  test("what is no module is refused each time", async () => {
    const checker = new ModuleChecker(new Uint8Array());
    for (let i = 0; i < 2; ++i) assert.equal(await outcome(checker, ""), "inspect");
    checker.close();
  });
});
