import { Collector, type ModuleStore } from "../modules/index.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";

/** How often is looked for modules that nothing refers to: so that the time of grace is kept to a tenth. */
const COLLECT_MS = { least: 1_000, most: 10 * 60_000 } as const;

/** What removes the modules of a control plane that nothing refers to, and tells of it in its log. */
export function collectorOf(
  { moduleGraceMs, log }: ControlPlaneOptions,
  store: ModuleStore,
  references: ConstructorParameters<typeof Collector>[0]["references"],
): Collector {
  return new Collector({
    store,
    references,
    graceMs: moduleGraceMs,
    everyMs: Math.min(Math.max((moduleGraceMs ?? 0) / 10, COLLECT_MS.least), COLLECT_MS.most),
    onRemoved: (modules) => {
      for (const { sha256, from } of modules)
        log.info({ module: sha256, from }, `removed the module ${sha256}, which nothing refers to`);
    },
    onError: (error) =>
      log.error({ err: error }, "no modules are removed now, since it is not known what refers to them"),
  });
}
