import { Range } from "assemblyscript";
import type { Source } from "assemblyscript";
import type { Report } from "./report.ts";

/** What a JavaScript host would have to offer and Envoy does not, and what to write instead. */
const absent: Readonly<Record<string, string>> = {
  "console.": "log with logInfo(), logWarn() or logError()",
  "Math.random": "draw with randomF64() or randomBelow(n), or with randomBytes() for secrets",
  "Math.seedRandom": "for numbers that follow from a seed, use new Xoshiro256(seed)",
  "NativeMath.random": "draw with randomF64() or randomBelow(n), or with randomBytes() for secrets",
  "Date.now": "read the host's clock with currentTimeNanoseconds()",
  "process.": "a filter has no process: it reads its configuration in onConfigure()",
  "performance.": "read the host's clock with currentTimeNanoseconds()",
  "crypto.": "the SDK's functions, such as sha256(), are imported by name",
  trace: "log with logDebug()",
};

/** Names that asc turns into imports of the module `env`, which Envoy refuses to link. */
export function checkGlobals(sources: readonly Source[], report: Report): void {
  for (const source of sources) {
    // What a library mentions, it need not come to use.
    if (source.isLibrary) continue;
    for (const { name, member, isCall, range } of uses(source)) {
      const key = [`${name}.${member}`, `${name}.`, isCall ? name : ""].find((candidate) =>
        Object.hasOwn(absent, candidate),
      );
      if (key === undefined || declares(source, name)) continue;
      const written = member === "" ? `${name}()` : `${name}.${member}`;
      report(range, `${written} is not there in Envoy: ${absent[key] ?? ""}`);
    }
  }
}

/** Whether a source declares or imports a name somewhere, which then means something else. */
function declares({ text }: Source, name: string): boolean {
  const declaration = new RegExp(
    `\\b(let|const|var|function|class|namespace|as)\\s+${name}\\b|[(,]\\s*((private|public|protected|readonly)\\s+)*${name}\\s*:` +
      `|\\bimport\\s*\\{[^}]*\\b${name}\\b`,
  );
  return declaration.test(text);
}

interface Use {
  readonly name: string;
  /** Empty when none follows. */
  readonly member: string;
  readonly isCall: boolean;
  readonly range: Range;
}

/** A comment, a text, or a name that no `.` precedes, with the member after it. */
const piece =
  /\/\/.*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[^])*`|(?<![\w$.])([a-zA-Z_$][\w$]*)(?:\s*\.\s*([\w$]+))?(\s*\()?/g;

/** Names that stand at the beginning of an expression, with the member that follows. */
function* uses(source: Source): Generator<Use> {
  for (const { 0: text, 1: name, 2: member = "", 3: call, index } of source.text.matchAll(piece)) {
    if (name === undefined) continue;
    const range = new Range(index, index + text.length - (call?.length ?? 0));
    range.source = source;
    yield { name, member, isCall: call !== undefined, range };
  }
}
