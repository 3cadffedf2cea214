// From saving a filter's source to the first answer of Envoy by the new module, under `meshwright filter dev`. See README.md.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { envoyBinary } from "../setup/envoy.mjs";
import { root } from "../setup/paths.mjs";
import { command } from "../test/support/command.ts";
import { get } from "../test/support/http.ts";
import { freePorts } from "../test/support/ports.ts";
import { quantile } from "./measure.ts";

const { values: flags } = parseArgs({ options: { edits: { type: "string", default: "20" } } });

mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache", "bench-dev-"));
cpSync(join(root, "examples", "hello", "index.ts"), join(folder, "index.ts"));
const source = readFileSync(join(folder, "index.ts"), "utf8");
const [port = 0] = await freePorts(1);
const dev = command(["filter", "dev", folder, "--root-id", "hello", "--port", String(port)], {
  env: { ...process.env, ENVOY_BIN: await envoyBinary() },
});
try {
  await dev.waitFor(/live after/);
  const times: number[] = [];
  for (let edit = 0; edit < Number(flags.edits); ++edit) {
    const mark = `edit-${String(edit)}`;
    const saved = performance.now();
    writeFileSync(join(folder, "index.ts"), source.replace("stranger", mark));
    while ((await get(port, "/")).headers["x-hello"] !== mark);
    times.push(performance.now() - saved);
  }
  const shown = [0.5, 0.9, 1].map((share) => quantile(times, share).toFixed(0));
  process.stdout.write(
    `${flags.edits} edits: median ${shown[0] ?? ""} ms, p90 ${shown[1] ?? ""} ms, longest ${shown[2] ?? ""} ms\n`,
  );
} finally {
  await dev.stop("SIGINT");
  rmSync(folder, { recursive: true });
}
