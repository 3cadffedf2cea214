// How servers read a path. What one of them takes for a path must be treated as that path.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Authz, everybody, publicPath } from "../../testing/authz.ts";
import { statusOf } from "../../testing/filter.ts";

const authz = new Authz();
const rest = { name: "rest", action: "allow", ...everybody };
const denyAdmin = { rules: [{ name: "no-admin", action: "deny", paths: [{ prefix: "/admin" }] }, rest] };
const allowPublic = { rules: [publicPath] };

type Reading = (path: string) => string;

function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const withoutDots: Reading = (path) => {
  const out: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") out.pop();
    else if (segment !== ".") out.push(segment);
  }
  return `/${out.join("/")}`;
};
const merged: Reading = (path) => path.replace(/\/+/g, "/");
const bare: Reading = (path) => path.replace(/;[^/]*/g, "");
const slashed: Reading = (path) => path.replaceAll("\\", "/");
const same: Reading = (path) => path;

function readings(target: string, decodings: readonly number[]): Set<string> {
  const path = target.replace(/[?#].*$/s, "");
  const found = new Set<string>();
  for (const times of decodings) {
    const decoded = Array.from({ length: times }).reduce<string>((text) => decode(text), path);
    for (const slashes of [same, slashed]) {
      for (const parameters of [same, bare]) {
        const text = parameters(slashes(decoded));
        // Servers differ in which of the two comes first; to those that do neither, `//a` is no way to `/a`, but `/a/../b` is.
        found
          .add(withoutDots(merged(text)))
          .add(merged(withoutDots(text)))
          .add(text);
      }
    }
  }
  return found;
}

const pieces = [
  "/",
  "/",
  "//",
  "/admin",
  "admin",
  "/public",
  "..",
  ".",
  "/../",
  "/./",
  ";",
  ";x",
  "%2e",
  "%2e%2e",
  "%2f",
  "%5c",
  "%25",
  "2e",
  "2f",
  "%61dmin",
  "\\",
  "?",
  "#",
  "x",
  "%3b",
  "é",
  "%",
];
const targets = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/${parts.join("")}`);
const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

test("no reading of an allowed path is denied", async () => {
  const filter = await authz.worker(denyAdmin);
  let allowed = 0;
  fc.assert(
    fc.property(targets, (path) => {
      if (statusOf(filter.send({ path })) !== 200) return;
      allowed += 1;
      const admin = [...readings(path, [0, 1, 2])].filter((reading) => isBelow(reading, "/admin"));
      assert.deepEqual(admin, [], path);
    }),
    { numRuns: 3000 },
  );
  assert.ok(allowed > 100, `${allowed} paths were allowed`);
});

test("every reading of an allowed path is allowed", async () => {
  const filter = await authz.worker(allowPublic);
  let allowed = 0;
  fc.assert(
    fc.property(
      targets.map((path) => `/public${path}`),
      (path) => {
        if (statusOf(filter.send({ path })) !== 200) return;
        allowed += 1;
        const other = [...readings(path, [1, 2])].filter((reading) => !isBelow(reading, "/public"));
        assert.deepEqual(other, [], path);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(allowed > 100, `${allowed} paths were allowed`);
});
