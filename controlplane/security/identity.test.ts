import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatIdentity, includesRole, isTrustDomain, parseIdentity, type Identity } from "./identity.ts";

describe("SPIFFE IDs", () => {
  const known: [id: string, identity: Identity][] = [
    ["spiffe://corp/ns/default/sa/web", { kind: "service", service: "web" }],
    ["spiffe://corp/ns/default/sa/web.v1-2", { kind: "service", service: "web.v1-2" }],
    ["spiffe://corp/ns/shop/sa/web", { kind: "account", namespace: "shop", account: "web" }],
    ["spiffe://corp/meshwright/sidecar/web/web-1", { kind: "sidecar", service: "web", node: "web-1" }],
    [
      "spiffe://corp/meshwright/sidecar/web/a_7E10.0.0.7_2Fb",
      { kind: "sidecar", service: "web", node: "a~10.0.0.7/b" },
    ],
    ["spiffe://corp/meshwright/sidecar/web/_2E_2E", { kind: "sidecar", service: "web", node: ".." }],
    ["spiffe://corp/meshwright/control-plane", { kind: "control-plane" }],
    ["spiffe://corp/meshwright/role/viewer", { kind: "role", role: "viewer" }],
  ];
  for (const [id, identity] of known) {
    test(id, () => {
      assert.equal(formatIdentity("corp", identity), id);
      assert.deepEqual(parseIdentity("corp", id), identity);
    });
  }

  const strangers = [
    "spiffe://other/ns/default/sa/web",
    "spiffe://corp.evil/ns/default/sa/web",
    "spiffe://corp",
    "spiffe://corp/",
    "https://corp/ns/default/sa/web",
    "SPIFFE://corp/ns/default/sa/web",
    "spiffe://corp/ns//sa/web",
    "spiffe://corp/ns/other/so/web",
    "spiffe://corp/ns/other/sa/web/x",
    "spiffe://corp/ns/default/sa/",
    "spiffe://corp/ns/default/sa/web/",
    "spiffe://corp/ns/default/sa/web/extra",
    "spiffe://corp//ns/default/sa/web",
    "spiffe://corp/ns/default/sa/web?x",
    "spiffe://corp/ns/default/sa/web#x",
    "spiffe://corp/ns/default/sa/w%65b",
    "spiffe://corp/ns/default/sa/../sa/web",
    // "e" needs no escape, so this is a second spelling of web.
    "spiffe://corp/ns/default/sa/w_65b",
    "spiffe://corp/meshwright/role/root",
    "spiffe://corp/meshwright/role/admin/x",
    "spiffe://corp/meshwright/sidecar/web",
    "spiffe://corp/meshwright/sidecar//web-1",
    `spiffe://corp/ns/default/sa/${"a".repeat(2048)}`,
  ];
  for (const id of strangers) {
    test(`${id.slice(0, 60)} names nobody`, () => assert.equal(parseIdentity("corp", id), undefined));
  }

  test("every name of a Service and every node id survives, and no two are one", () => {
    const names = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" });
    fc.assert(
      fc.property(names, names, names, names, (service, node, otherService, otherNode) => {
        const one: Identity = { kind: "sidecar", service, node };
        const other: Identity = { kind: "sidecar", service: otherService, node: otherNode };
        const id = formatIdentity("corp", one);
        assert.match(id, /^spiffe:\/\/corp\/meshwright\/sidecar\/[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/);
        assert.deepEqual(parseIdentity("corp", id), one);
        if (service !== otherService || node !== otherNode) assert.notEqual(formatIdentity("corp", other), id);
      }),
    );
  });

  test("an ID that would be too long is refused", () => {
    assert.throws(() => formatIdentity("corp", { kind: "sidecar", service: "a", node: "~".repeat(1000) }), /longer/);
  });

  test("trust domains", () => {
    for (const good of ["cluster.local", "a", "corp-1.example_x"]) assert.ok(isTrustDomain(good), good);
    for (const bad of ["", "Corp", "a/b", "a:80", "a b", "user@a", "ä"]) assert.ok(!isTrustDomain(bad), bad);
  });
});

test("a role includes those below it", () => {
  assert.ok(includesRole("admin", "viewer"));
  assert.ok(includesRole("operator", "operator"));
  assert.ok(!includesRole("viewer", "operator"));
  assert.ok(!includesRole("operator", "admin"));
});
