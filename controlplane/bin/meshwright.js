#!/usr/bin/env node
// The command's entry. It is there before the rest is built, so that npm can link to it.
import { existsSync } from "node:fs";

const main = new URL("../dist/command/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write("meshwright is not built: run npm run build\n");
  process.exitCode = 1;
}
