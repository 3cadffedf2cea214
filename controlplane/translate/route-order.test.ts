import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { modelOf } from "./testdata/fixtures.ts";
import { inOrderOfPrecedence } from "./route-order.ts";

/** HTTPRoutes `a`, `b`, ... with one rule each for the matches that are given as YAML. */
function order(...routes: string[][]): string[] {
  const documents = routes.map(
    (rules, index) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${String.fromCharCode(97 + index)} }
spec:
  parentRefs: [{ kind: Service, name: s }]
  rules: [${rules.map((match) => `{ matches: [${match}] }`).join(", ")}]`,
  );
  const service = `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: s }, spec: { port: 80 } }`;
  const model = modelOf([service, ...documents].join("\n---\n"));
  return inOrderOfPrecedence([...model.httpRoutes.values()].reverse()).map(({ name }) => name);
}

const exact = "{ path: { type: Exact, value: /a } }";
const prefix = "{ path: { value: /a } }";
const regex = '{ path: { type: RegularExpression, value: "/a.*" } }';
const method = "{ path: { value: /a }, method: GET }";
const oneHeader = "{ path: { value: /a }, headers: [{ name: x, value: y }] }";
const twoHeaders = "{ path: { value: /a }, headers: [{ name: x, value: y }, { name: z, value: y }] }";
const oneParam = "{ path: { value: /a }, queryParams: [{ name: x, value: y }] }";

describe("the order of matches", () => {
  const cases: [what: string, routes: string[][], expected: string[]][] = [
    ["an exact path is before a prefix", [[prefix, exact]], ["a/1/0", "a/0/0"]],
    ["an exact path is before a longer prefix", [["{ path: { value: /a/b/c } }"], [exact]], ["b/0/0", "a/0/0"]],
    ["a regular expression is between both", [[prefix, regex, exact]], ["a/2/0", "a/1/0", "a/0/0"]],
    ["the longer prefix is first", [[prefix, "{ path: { value: /ab } }", "{}"]], ["a/1/0", "a/0/0", "a/2/0"]],
    ["a method is before headers", [[twoHeaders, method]], ["a/1/0", "a/0/0"]],
    ["more headers are first", [[oneHeader, twoHeaders]], ["a/1/0", "a/0/0"]],
    ["a header is before a query parameter", [[oneParam, oneHeader, prefix]], ["a/1/0", "a/0/0", "a/2/0"]],
    [
      "routes go by name, rules and matches as written",
      [[`${prefix}, ${prefix}`, prefix], [prefix]],
      ["a/0/0", "a/0/1", "a/1/0", "b/0/0"],
    ],
  ];
  for (const [what, routes, expected] of cases) it(what, () => assert.deepEqual(order(...routes), expected));

  it("does not depend on the order of the routes", () => {
    const model =
      modelOf(`{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: s }, spec: { port: 80 } }
${["a", "b", "c"]
  .map(
    (name) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec: { parentRefs: [{ kind: Service, name: s }], rules: [{ matches: [${prefix}, ${regex}, ${method}] }] }`,
  )
  .join("\n")}`);
    const routes = [...model.httpRoutes.values()];
    const expected = inOrderOfPrecedence(routes);
    fc.assert(
      fc.property(fc.shuffledSubarray(routes, { minLength: routes.length }), (shuffled) => {
        assert.deepEqual(inOrderOfPrecedence(shuffled), expected);
      }),
    );
  });
});
