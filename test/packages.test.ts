import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { npmCommand } from "../controlplane/filter/npm.ts";
import { run } from "../setup/tools.mjs";

// What npm pack would put into a package has to stand without the repository around it.
for (const name of ["assembly", "host", "controlplane"]) {
  describe(`the package of ${name}`, () => {
    const folder = fileURLToPath(new URL(`../${name}/`, import.meta.url));
    const files = new Set<string>();
    const text = (file: string): string => readFileSync(posix.join(folder, file), "utf8");

    before(async () => {
      const [program, ...first] = npmCommand();
      const output = await run(program, [...first, "pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: folder });
      const [packed] = Object.values(JSON.parse(output.toString()) as Record<string, { files: { path: string }[] }>);
      for (const file of packed?.files ?? []) files.add(file.path);
      assert.ok(files.has("README.md") && files.has("LICENSE"));
    });

    test("has every file that its code imports", () => {
      // Of the generated types only those that are asked for have to be whole.
      const todo = [...files].filter((file) => /\.m?[jt]s$/.test(file) && !file.startsWith("gen/"));
      const seen = new Set(todo);
      for (const file of todo) {
        for (const to of importsOf(text(file))) {
          const path = to.startsWith("#") ? to.slice(1) : posix.join(posix.dirname(file), to);
          const names = [path, `${path}.ts`, `${path}/index.ts`, path.replace(/\.[jt]s$/, ".d.ts")];
          const found = names.find((one) => files.has(one));
          assert.ok(found, `${file} imports ${to}`);
          if (!seen.has(found)) todo.push(found);
          seen.add(found);
        }
      }
      assert.ok(seen.size > 50, `only ${String(seen.size)} files were read`);
    });

    test("has every file that its README links to", () => {
      for (const file of files) {
        if (!file.endsWith(".md")) continue;
        for (const [, to = ""] of text(file).matchAll(/\]\(([^)#]+)/g)) {
          if (/^https?:/.test(to)) continue;
          assert.ok(files.has(posix.join(posix.dirname(file), to)), `${file} links to ${to}`);
        }
      }
    });

    test("has no tests, and nothing that only tests use", () => {
      const strays = [...files].filter((file) =>
        /\.test\.|\.spec\.|__tests__|testdata|testing\.|tsbuildinfo/.test(file),
      );
      assert.deepEqual(strays, name === "controlplane" ? ["filter/template/test/filter.test.js"] : []);
    });
  });
}

function* importsOf(code: string): Iterable<string> {
  for (const line of code.split("\n")) {
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue;
    for (const [, to = ""] of line.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([.#][^"]*)"/g)) yield to;
  }
}
