import { probe } from "../../host/testdata/probe.ts";
import { scripts } from "./generator.ts";
import { type Script, type ScriptOutcome } from "./script.ts";
import { ScriptRunner } from "./script-in-envoy.ts";
import { runScriptInHost } from "./script-in-host.ts";

/** A script of which the host and Envoy made different things. */
export interface Disagreement {
  readonly script: Script;
  readonly host: readonly string[];
  readonly envoy: readonly string[];
}

/** Runs scripts in the host and in Envoy, and gives those on which they do not agree. */
export async function compareScripts(seed: number, count: number): Promise<Disagreement[]> {
  const made = await Promise.all(
    scripts(seed, count).map(async (script) => ({ script, module: await probe(script.module) })),
  );
  const runner = await ScriptRunner.start(made);
  try {
    const disagreements: Disagreement[] = [];
    for (const { script, module } of made) {
      const expected = await runScriptInHost(script, module);
      const [host, envoy] = [lines(expected), lines(await runner.run(script, expected))];
      if (host.join("\n") !== envoy.join("\n")) disagreements.push({ script, host, envoy });
    }
    return disagreements;
  } finally {
    await runner.stop();
  }
}

function lines({ log, upstream, client }: ScriptOutcome): string[] {
  return [...log.flat(), `upstream got ${upstream}`, `client got ${client}`];
}
