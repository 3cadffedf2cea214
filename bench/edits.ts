// From saving a file to the first answer of a running Envoy that shows it. See README.md.
import { parseArgs } from "node:util";
import { get } from "../test/support/http.ts";
import { startOneService, writePolicy } from "../test/support/one-service.ts";
import { quantile } from "./measure.ts";

const { values: flags } = parseArgs({ options: { edits: { type: "string", default: "50" } } });

const service = await startOneService("start");
try {
  const times: number[] = [];
  for (let edit = 0; edit < Number(flags.edits); ++edit) {
    const mark = `edit-${String(edit)}`;
    const saved = performance.now();
    writePolicy(service.mesh, { mark });
    while ((await get(service.port, "/")).headers["x-probe"] !== mark);
    times.push(performance.now() - saved);
  }
  const shown = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(0));
  process.stdout.write(
    `${flags.edits} edits: median ${shown[0] ?? ""} ms, p99 ${shown[1] ?? ""} ms, longest ${shown[2] ?? ""} ms\n`,
  );
} finally {
  await service.stop();
}
