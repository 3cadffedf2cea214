// Runs the files of tests that it is given in one process, each as a suite of its own: node test-folder.mjs FILE...
// Most of what a unit test takes is the loading of what it tests, which the files of a folder have in common.
import { suite } from "node:test";
import { pathToFileURL } from "node:url";

// One after the other: what a file declares, hooks too, belongs to the suite that is being declared. A file must not wait before.
for (const file of process.argv.slice(2)) {
  await suite(file, async () => {
    await import(pathToFileURL(file).href);
  });
}
