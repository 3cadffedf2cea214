// Builds the dashboard into the package of the control plane, which serves it.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "controlplane", "dist", "dashboard");

export async function buildDashboard() {
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: { app: join(here, "src", "main.tsx") },
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "safari16"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "inline",
    logLevel: "warning",
  });
  await build({ entryPoints: [join(here, "app.css")], outdir: out, bundle: true, minify: true, logLevel: "warning" });
  for (const file of ["index.html", "icon.svg"]) copyFileSync(join(here, file), join(out, file));
}

if (argv[1] === fileURLToPath(import.meta.url)) await buildDashboard();
