import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { scratchFolder } from "./testdata/fixtures.ts";
import { TokenStore } from "./tokens.ts";

const folder = scratchFolder();
after(() => folder.remove());
const files = (): string[] => readdirSync(join(folder.path, "tokens")).map((file) => join(folder.path, "tokens", file));

describe("tokens", () => {
  const store = new TokenStore(folder.path);
  const { text, record } = store.create({ name: "ci", role: "operator" });

  test("a token is found by its text, by any process that looks", () => {
    assert.equal(store.find(text)?.name, "ci");
    assert.equal(new TokenStore(folder.path).find(text)?.role, "operator");
  });

  test("the text is nowhere on disk, and the file is for its owner only", () => {
    const secret = text.slice(-43);
    for (const file of files()) {
      assert.ok(!readFileSync(file, "utf8").includes(secret));
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
  });

  const wrong: [what: string, text: string][] = [
    ["empty", ""],
    ["its id alone", `mw_${record.id}_`],
    ["its hash for the secret", `mw_${record.id}_${record.sha256.slice(0, 43)}`],
    ["another last letter", text.slice(0, -1) + (text.endsWith("A") ? "B" : "A")],
    ["another id", text.replace(record.id, "0000000000000000")],
    ["something behind it", `${text}x`],
    ["a line break behind it", `${text}\n`],
    ["upper case", text.toUpperCase()],
    ["a path for an id", text.replace(record.id, "../../../../etc")],
  ];
  for (const [what, attempt] of wrong) test(`${what}: refused`, () => assert.equal(store.find(attempt), undefined));

  test("one that ended is refused", () => {
    const ended = store.create({ name: "old", role: "admin", lifetimeMs: -1 });
    assert.equal(store.find(ended.text), undefined);
    assert.ok(store.revoke(ended.record.id));
  });

  test("a file that was tampered with is no token", () => {
    for (const change of [
      { role: "root" },
      { expiresAt: "never" },
      { expiresAt: 5 },
      { sha256: "" },
      { id: "f".repeat(16) },
    ]) {
      const { text: other, record: made } = store.create({ name: "x", role: "viewer", lifetimeMs: 60_000 });
      const file = join(folder.path, "tokens", `${made.id}.json`);
      writeFileSync(file, JSON.stringify({ ...made, ...change }));
      assert.equal(store.find(other), undefined, JSON.stringify(change));
      writeFileSync(file, JSON.stringify(made));
      assert.ok(store.revoke(made.id));
    }
  });

  test("the list holds all, the oldest first; a revoked token is refused at once and cannot be revoked again", () => {
    const second = store.create({ name: "second", role: "viewer" });
    assert.deepEqual(
      store
        .list()
        .map(({ name }) => name)
        .sort(),
      ["ci", "second"],
    );
    const elsewhere = new TokenStore(folder.path);
    assert.ok(elsewhere.find(second.text));
    assert.ok(store.revoke(second.record.id));
    assert.equal(elsewhere.find(second.text), undefined);
    assert.ok(!store.revoke(second.record.id));
    assert.ok(!store.revoke("../authority/ca"));
  });

  test("a folder without tokens", () => assert.deepEqual(new TokenStore(join(folder.path, "none")).list(), []));
});
