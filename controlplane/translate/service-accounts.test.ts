import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TypeUrl } from "../xds/index.ts";
import { sidecarsWithSecrets, translate, type Translation } from "./index.ts";
import { modelOf, resourceJson, snapshotOf } from "./testdata/fixtures.ts";

/** A Service with mutual TLS whose sidecars have these service accounts; `undefined`: none. */
function service(name: string, accounts: readonly (string | undefined)[]): string {
  const endpoints = accounts.map((account, index) => {
    const said = account === undefined ? "" : `, serviceAccount: { namespace: shop, name: ${account} }`;
    return `{ address: 10.0.${String(name.charCodeAt(0))}.${String(index)}, port: 80, sidecar: { node: ${name}-${String(index)}, inboundPort: 15006, outboundPort: 15001${said} } }`;
  });
  return `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name} }, spec: { port: 80, mtls: Strict, endpoints: [${endpoints.join(", ")}] } }`;
}

function translated(...texts: string[]): { translation: Translation; model: ReturnType<typeof modelOf> } {
  const model = modelOf(...texts);
  const settings = { modulesAuthority: "m:1", modulesCluster: "m", trustDomain: "corp" };
  return { model, translation: translate(model, new Map(), settings) };
}

/** What is looked for in the certificate of the other side, in the order in which it stands there. */
function peersIn(translation: Translation, typeUrl: string, name: string): string[] {
  const resource = snapshotOf(translation, "web-0").sets.get(typeUrl)?.resources.get(name);
  assert.ok(resource, name);
  const matched = JSON.stringify(resourceJson(resource)).matchAll(/"(exact|prefix)":"(spiffe:[^"]+)"/g);
  return [...matched].map(([, kind = "", value = ""]) => `${kind} ${value}`);
}

describe("sidecars with the names of service accounts", () => {
  test("callers believe all accounts of the sidecars of a Service, and no others", () => {
    const { translation } = translated(service("web", ["w"]), service("db", ["b", "a", "b"]));
    const [db] = [...snapshotOf(translation, "web-0").sets.get(TypeUrl.cluster)!.resources.keys()].filter((name) =>
      name.includes("db"),
    );
    assert.deepEqual(peersIn(translation, TypeUrl.cluster, db ?? ""), [
      "exact spiffe://corp/ns/shop/sa/a",
      "exact spiffe://corp/ns/shop/sa/b",
    ]);
  });

  test("sidecars let in accounts of all namespaces where there are accounts, and else Services only", () => {
    const peers = (...texts: string[]): string[] => {
      const { translation } = translated(...texts);
      const names = [...snapshotOf(translation, "web-0").sets.get(TypeUrl.listener)!.resources.keys()];
      return peersIn(translation, TypeUrl.listener, names.find((name) => name.includes("inbound")) ?? "");
    };
    assert.deepEqual(peers(service("web", [undefined])), ["prefix spiffe://corp/ns/default/sa/"]);
    assert.deepEqual(peers(service("web", [undefined]), service("db", ["a"])), ["prefix spiffe://corp/ns/"]);
  });

  test("a sidecar has the certificate of its account, or else of its Service", () => {
    const { model, translation } = translated(service("web", ["w", undefined]), service("db", ["w"]));
    const found = [...sidecarsWithSecrets(model, translation.sidecars)].map(([path, { nodes }]) => [path, [...nodes]]);
    assert.deepEqual(found.sort(), [
      ["ns/default/sa/web", ["web-1"]],
      ["ns/shop/sa/w", ["db-0", "web-0"]],
    ]);
  });
});
