import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { serviceText } from "../observe/testdata/plane.ts";
import { formatPlan } from "./plan/format.ts";
import { planFolders } from "./plan/offline.ts";

const scratch = mkdtempSync(join(tmpdir(), "meshwright-plan-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function folder(name: string, text: string): string {
  const path = join(scratch, name);
  mkdirSync(path);
  writeFileSync(join(path, "mesh.yaml"), text);
  return path;
}

const mesh = serviceText("web", 8000) + serviceText("db", 8010);

describe("a plan for two folders", () => {
  test("is shown as lines", async () => {
    const from = folder("from", mesh);
    const to = folder("to", mesh.replace("  port: 80", "  connectTimeout: 7s\n  port: 80"));
    const report = await planFolders(from, to);
    const lines = formatPlan(report, 1);
    assert.deepEqual(lines.slice(0, 2), ["1 resource", `  ~ Service/web  ${to}/mesh.yaml:2:1`]);
    assert.ok(lines.includes("1 sidecar of db: db-1, not connected"), lines.join("\n"));
    for (const line of [
      "  ~ Cluster outbound|web|80  from Service/web",
      '      -connectTimeout: "5s"',
      '      +connectTimeout: "7s"',
    ])
      assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
    assert.match(lines.at(-1), /^2 sidecars would be sent something at once; of which 2 close connections/);
    assert.deepEqual(formatPlan(await planFolders(to, to), 1), ["nothing would change"]);
  });

  test("tells apart a fault of what is served from one of what would be", async () => {
    const good = folder("good", mesh);
    const bad = folder("bad", mesh.replace("port: 80\n", "port: eighty\n"));
    const { problems } = await planFolders(good, bad);
    assert.deepEqual(
      problems.map(({ path, line }) => [path, line]),
      [["spec.port", 6]],
    );
    await assert.rejects(planFolders(bad, good), /bad could not be served:\n.*mesh.yaml:6:.*spec.port/);
  });
});
