// Keeps and removes modules as fast as it can, until it is killed. The module "kept" is the one that is referred to.
import { Collector, ModuleStore } from "../index.ts";

const store = new ModuleStore(process.argv[2] ?? "");
const { sha256 } = store.put(Buffer.from("kept"), "kept.wasm");
const collector = new Collector({
  store,
  graceMs: 0,
  references: () => Promise.resolve({ by: new Map([[sha256, ["a test"]]]), unclear: [] }),
});
process.stdout.write("running\n");
for (let i = 0; ; i++) {
  for (let j = 0; j < 20; j++) store.put(Buffer.alloc(100_000, `${String(i)} ${String(j)}`), `${String(j)}.wasm`);
  await collector.collect();
  await collector.collect();
}
