import assert from "node:assert/strict";
import { test } from "node:test";
import { celFunctions } from "./cel.ts";
import type { ForeignHost } from "./foreign/registry.ts";
import type { Property } from "./properties.ts";

const properties: Readonly<Record<string, Property>> = {
  request: { path: "/a", size: 3, headers: { "x-a": "1" }, time: new Date(5) },
  source: { port: 4711 },
};

function hostOf(machine: object): ForeignHost {
  return {
    clearRouteCache: () => undefined,
    setEnvoyFilterState: () => 1,
    declareProperty: () => 0,
    property: (name) => properties[name],
    machine,
    resultLimit: 1024,
  };
}

const { expr_create, expr_evaluate, expr_delete } = celFunctions();
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const results: [expression: string, status: number, result: string][] = [
  ["request.path", 0, "2f61"],
  ["request.size + 1", 0, "0400000000000000"],
  ["source.port > 80", 0, "01"],
  [`request.headers["x-a"]`, 0, "31"],
  ["0.5", 0, "000000000000e03f"],
  ["2u", 0, "0200000000000000"],
  [`duration("1ms")`, 0, "40420f0000000000"],
  ["request.time", 0, "404b4c0000000000"],
  ["request.absent", 10, ""],
  ["null", 10, ""],
];
for (const [expression, status, result] of results) {
  test(`${expression} is ${status}, ${result}`, () => {
    const host = hostOf({});
    const created = expr_create(utf8(expression), host);
    assert.equal(created.status, 0);
    const evaluated = expr_evaluate(created.result ?? new Uint8Array(), host);
    assert.deepEqual([evaluated.status, Buffer.from(evaluated.result ?? []).toString("hex")], [status, result]);
  });
}

test("tokens belong to a machine, and end", () => {
  const host = hostOf({});
  const token = expr_create(utf8("1"), host).result ?? new Uint8Array();
  assert.equal(expr_evaluate(token, hostOf({})).status, 1);
  assert.equal(expr_delete(token, host).status, 0);
  assert.equal(expr_evaluate(token, host).status, 1);
  assert.equal(expr_create(utf8("1 +"), host).status, 2);
  assert.equal(expr_evaluate(Uint8Array.of(1), host).status, 2);
});
