// `meshwright authz hash`: what it prints is good for the filter, with the secret that it prints or was given.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Authz, key, members, outcome } from "../filters/testing/authz.ts";
import { root } from "../setup/paths.mjs";

const authz = new Authz();

function hash(args: readonly string[], input = ""): { code: number | null; out: string; secret: string } {
  const main = join(root, "controlplane", "cli", "main.ts");
  const node = ["--import", "tsx", "--conditions=meshwright-source", main, "authz", "hash"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...args], {
    cwd: root,
    input,
    encoding: "utf8",
  });
  return { code: status, out: stdout, secret: stderr.trim() };
}

const basic = (pair: string): [string, string] => ["authorization", `Basic ${Buffer.from(pair).toString("base64")}`];

test("a user with a new password, and with a given one", async () => {
  const made = hash(["--user", "alice", "--iterations", "10"]);
  const given = hash(["--user", "bob", "--iterations", "10", "--stdin"], "pässword\nmore\n");
  assert.equal(given.secret, "");
  const users = [JSON.parse(made.out), JSON.parse(given.out)] as unknown[];
  const filter = await authz.worker({ basic: { iterations: 10, users }, rules: [members] });
  assert.ok(made.secret.length >= 32);
  assert.equal(outcome(filter, { headers: [basic(`alice:${made.secret}`)] }), "200");
  assert.equal(outcome(filter, { headers: [basic("bob:pässword")] }), "200");
  assert.equal(outcome(filter, { headers: [basic("bob:pässwor")] }), "401 bad_password");
  assert.notEqual(hash(["--user", "alice"]).secret, made.secret);
});

test("an API key", async () => {
  const made = hash(["--api-key", "billing"]);
  const filter = await authz.worker({ apiKeys: { keys: [JSON.parse(made.out)] }, rules: [members] });
  assert.equal(outcome(filter, { headers: key(made.secret) }), "200");
});

test("what it cannot do", () => {
  for (const [args, input, error] of [
    [[], "", /either --user or --api-key/],
    [["--user", "a", "--api-key", "b"], "", /either --user or --api-key/],
    [["--user", "a", "--stdin"], "\n", /no secret in its first line/],
    [["--user", "a", "--iterations", "0"], "", /expected 1 to 10000/],
  ] as const) {
    const { code, out, secret } = hash(args, input);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(secret, error);
  }
});
