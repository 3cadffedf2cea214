// Writes deploy/crds: `npm run crds`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definitionFiles } from "../controlplane/kubernetes/definitions/index.ts";

const folder = join(import.meta.dirname, "crds");
mkdirSync(folder, { recursive: true });
for (const [name, text] of definitionFiles()) writeFileSync(join(folder, name), text);
