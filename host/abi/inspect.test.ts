import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assemble, probe, step } from "../testdata/probe.ts";
import { CALLBACK_EXPORTS } from "./exports.ts";
import { ENV_IMPORTS, WASI_IMPORTS } from "./imports.ts";
import { inspectModule } from "./inspect.ts";
import { formatSignature, type Signature } from "./signature.ts";

const MARKER = `(func (export "proxy_abi_version_0_2_1"))`;
const MEMORY = `(memory (export "memory") 1)`;
const MALLOC = `(func (export "malloc") (param i32) (result i32) (i32.const 8))`;

function typeWat({ params, results }: Signature): string {
  return [...params.map((type) => `(param ${type})`), ...results.map((type) => `(result ${type})`)].join(" ");
}

test("a module with everything that the tables have", async () => {
  const imports = (module: string, table: Readonly<Record<string, Signature>>): string[] =>
    Object.entries(table).map(([name, type]) => `(import "${module}" "${name}" (func ${typeWat(type)}))`);
  const exports = Object.entries<Signature>(CALLBACK_EXPORTS).map(
    ([name, type]) => `(func (export "${name}") ${typeWat(type)} ${type.results.length > 0 ? "(i32.const 0)" : ""})`,
  );
  const parts = [
    ...imports("env", ENV_IMPORTS),
    ...imports("wasi_snapshot_preview1", WASI_IMPORTS),
    ...imports("wasi_unstable", WASI_IMPORTS),
    MARKER,
    MEMORY,
    MALLOC,
    ...exports,
  ];
  const inspection = inspectModule(await assemble(`(module ${parts.join("\n")})`));
  assert.deepEqual(inspection.problems, []);
  assert.ok(inspection.ok);
  assert.equal(inspection.abiVersion, "0.2.1");
  const found = inspection.imports.find(({ name }) => name === "proxy_increment_metric");
  assert.equal(found?.signature && formatSignature(found.signature), "i32 i64 -> i32");
});

const refused: [name: string, wat: string, problem: RegExp][] = [
  ["no ABI marker", `${MEMORY} ${MALLOC}`, /no Proxy-Wasm ABI version: expected .*proxy_abi_version_0_2_1.*found none/],
  [
    "an ABI that is not known",
    `(func (export "proxy_abi_version_0_3_0")) ${MEMORY} ${MALLOC}`,
    /found proxy_abi_version_0_3_0/,
  ],
  [
    "a marker that is no function",
    `(global (export "proxy_abi_version_0_2_1") i32 (i32.const 0)) ${MEMORY} ${MALLOC}`,
    /found none/,
  ],
  ["no allocator", `${MARKER} ${MEMORY}`, /no allocator: expected .*malloc or proxy_on_memory_allocate/],
  [
    "an allocator of another type",
    `${MARKER} ${MEMORY} (func (export "malloc"))`,
    /export malloc: expected the type i32 -> i32, found void -> void/,
  ],
  ["no memory", `${MARKER} ${MALLOC}`, /no memory/],
  ["too much memory", `${MARKER} (memory (export "memory") 16385) ${MALLOC}`, /16385 pages.*at most 16384/],
  [
    "an unknown import",
    `(import "env" "proxy_frob" (func)) ${MARKER} ${MEMORY} ${MALLOC}`,
    /import env.proxy_frob: the host .* has no such function/,
  ],
  [
    "an import of another module",
    `(import "mine" "proxy_log" (func)) ${MARKER} ${MEMORY} ${MALLOC}`,
    /import mine.proxy_log/,
  ],
  [
    "asc's abort",
    `(import "env" "abort" (func (param i32 i32 i32 i32))) ${MARKER} ${MEMORY} ${MALLOC}`,
    /--use abort=/,
  ],
  [
    "an import of ABI 0.1.0",
    `(import "env" "proxy_clear_route_cache" (func (result i32))) ${MARKER} ${MEMORY} ${MALLOC}`,
    /foreign function clear_route_cache/,
  ],
  [
    "an import of another type",
    `(import "env" "proxy_log" (func (param i32 i64 i32) (result i32))) ${MARKER} ${MEMORY} ${MALLOC}`,
    /import env.proxy_log: expected the type i32 i32 i32 -> i32, found i32 i64 i32 -> i32/,
  ],
  ["a global import", `(import "env" "g" (global i32)) ${MARKER} ${MEMORY} ${MALLOC}`, /found a global/],
  [
    "a callback of another type",
    `${MARKER} ${MEMORY} ${MALLOC} (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`,
    /export proxy_on_request_headers: expected the type i32 i32 i32 -> i32, found i32 i32 -> i32/,
  ],
  [
    "proxy_get_log_level under 0.2.0",
    `(import "env" "proxy_get_log_level" (func (param i32) (result i32))) (func (export "proxy_abi_version_0_2_0")) ${MEMORY} ${MALLOC}`,
    /ABI 0.2.0 has no such function/,
  ],
];

for (const [name, wat, problem] of refused) {
  test(`refused: ${name}`, async () => {
    const { ok, problems } = inspectModule(await assemble(`(module ${wat})`));
    assert.equal(ok, false);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.match(problems[0]?.message ?? "", problem);
  });
}

const accepted: [name: string, wat: string, warning?: RegExp][] = [
  [
    "proxy_on_memory_allocate alone",
    `${MARKER} ${MEMORY} (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 8))`,
  ],
  ["ABI 0.2.0", `(func (export "proxy_abi_version_0_2_0")) ${MEMORY} ${MALLOC}`],
  ["an imported memory", `(import "env" "memory" (memory 1)) ${MARKER} ${MALLOC}`],
  ["a memory of another name", `${MARKER} (memory (export "m") 1) ${MALLOC}`],
  [
    "main of another type, which is not called without _initialize",
    `${MARKER} ${MEMORY} ${MALLOC} (func (export "main"))`,
  ],
  [
    "_start beside _initialize",
    `${MARKER} ${MEMORY} ${MALLOC} (func (export "_initialize")) (func (export "_start"))`,
    /_start: the host does not call it/,
  ],
  [
    "a callback under a wrong name",
    `${MARKER} ${MEMORY} ${MALLOC} (func (export "proxy_on_grpc_trailing_metadata") (param i32 i32 i32))`,
    /did you mean proxy_on_grpc_receive_trailing_metadata/,
  ],
  [
    "what Envoy 1.37 lacks",
    `(import "wasi_unstable" "fd_sync" (func (param i32) (result i32))) ${MARKER} ${MEMORY} ${MALLOC}`,
    /Envoy 1.37 does not have it/,
  ],
  ["no callback at all", `${MARKER} ${MEMORY} ${MALLOC}`, /no callback is exported/],
];

for (const [name, wat, warning] of accepted) {
  test(`accepted: ${name}`, async () => {
    const { ok, problems, warnings } = inspectModule(await assemble(`(module ${wat})`));
    assert.deepEqual(problems, []);
    assert.ok(ok);
    if (warning !== undefined) assert.match(warnings.join("\n"), warning);
  });
}

test("any bytes give a verdict and never an exception", () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.from([...header, ...rest])),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const { ok, problems } = inspectModule(input);
      assert.equal(ok, problems.length === 0);
      assert.equal(ok, false, "random bytes have no ABI marker");
    }),
    { numRuns: 2000 },
  );
});

test("a damaged module gives a verdict and never an exception", async () => {
  const whole = await probe({ callbacks: { proxy_on_tick: { steps: [step("proxy_log", 2, "tick")] } } });
  assert.ok(inspectModule(whole).ok);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (changes, length) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      for (const input of [bytes, bytes.subarray(0, length)]) {
        const { ok, problems } = inspectModule(input);
        assert.equal(ok, problems.length === 0);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a number of items that the bytes cannot hold is refused before memory is taken for it", () => {
  const bytes = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.match(
    inspectModule(bytes).problems[0]?.message ?? "",
    /the number of types is 4294967295, more than the 0 bytes/,
  );
});
