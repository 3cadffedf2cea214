// Modules of Go, kept in the cache.
import { cacheFolder, withLock } from "../controlplane/envoy-binary/cache.mjs";
import { SetupError, run, step } from "./tools.mjs";

/**
 * Runs Go with its modules in the cache, one run after another.
 * @template T
 * @param {(folder: string, env: NodeJS.ProcessEnv) => Promise<T>} work Is given where modules are, and the environment for Go.
 * @returns {Promise<T>}
 */
export function withGo(work) {
  const folder = cacheFolder("go");
  const env = { ...process.env, GOMODCACHE: folder, GOFLAGS: "-modcacherw", GO111MODULE: "on", GOTOOLCHAIN: "local" };
  return withLock(`${folder}.lock`, () => work(folder, env));
}

/**
 * The folder of a module's files, in the cache. Undefined where there is no Go, or Go cannot get it; an error where the files are not
 * the ones that they should be.
 * @param {string} module With its version, such as `example.org/module@v1.2.3`.
 * @param {string} sum What Go computes over all its files.
 * @returns {Promise<string | undefined>}
 */
export function goModule(module, sum) {
  return withGo(async (folder, env) => {
    let answer;
    try {
      answer = await run("go", ["mod", "download", "-json", module], { cwd: folder, env });
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      step(`no ${module}: ${error.message}`);
      return undefined;
    }
    /** @type {{ Dir: string, Sum: string }} */
    const { Dir, Sum } = JSON.parse(answer.toString());
    if (Sum !== sum) throw new SetupError(`${module} has the checksum ${Sum}, expected ${sum}`);
    return Dir;
  });
}
