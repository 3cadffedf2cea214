import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Application, TSConfigReader, TypeDocReader, type DeclarationReflection } from "typedoc";
import { root } from "../setup/paths.mjs";

const read = (path: string): string => readFileSync(join(root, "assembly", path), "utf8");

/** The names that the SDK exports, by its index. */
function exportedNames(): string[] {
  const index = read("index.ts");
  const named = [...index.matchAll(/^export \{([^}]*)\} from/gm)].flatMap(([, list = ""]) => list.split(","));
  const enums = [...read("abi/enums.ts").matchAll(/^export enum (\w+)/gm)].map(([, name = ""]) => name);
  assert.match(index, /export \* from "\.\/abi\/enums"/);
  return [...named.map((name) => name.trim()).filter((name) => name !== ""), ...enums].sort();
}

const isDocumented = (reflection: DeclarationReflection): boolean =>
  reflection.hasComment() ||
  (reflection.signatures ?? []).some((signature) => signature.hasComment()) ||
  reflection.getSignature?.hasComment() === true;

describe("the API reference (npm run docs)", async () => {
  const app = await Application.bootstrapWithPlugins({ options: join(root, "docs", "api", "typedoc.json") }, [
    new TypeDocReader(),
    new TSConfigReader(),
  ]);
  const project = await app.convert();
  const exports = project?.children ?? [];

  test("has every export of the SDK", () => {
    assert.deepEqual(exports.map(({ name }) => name).sort(), exportedNames());
  });

  test("says of every export what it is", () => {
    assert.deepEqual(
      exports.filter((reflection) => !isDocumented(reflection)).map(({ name }) => name),
      [],
    );
  });
});
