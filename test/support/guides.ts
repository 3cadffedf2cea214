import { readFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { root } from "../../setup/paths.mjs";

/** What a block of code in a guide is said to be; it stands after the language of the block. */
export type Claim = "filter" | "holds" | "traps" | "refused" | "from";

export interface Block {
  /** Where it is, for messages. */
  readonly place: string;
  readonly claim: Claim;
  /** What follows the claim: the error of what is refused, the file of what is quoted. */
  readonly rest: string;
  readonly code: string;
}

const CLAIMS: readonly string[] = ["filter", "holds", "traps", "refused", "from"] satisfies Claim[];
const FOLDER = join(root, "docs", "guides");
/** The guides in which every block of TypeScript or AssemblyScript has a claim. */
const GUIDES = ["writing-filters.md", "assemblyscript-for-typescript.md", "from-rust-and-go.md", "proxyless.md"];

/** Their blocks. */
export function guideBlocks(): Block[] {
  return GUIDES.flatMap((name) => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    return [...text.matchAll(/^```ts *(\w*) *(.*)\n([^]*?)^```$/gm)].map(
      ({ index, 1: claim = "", 2: rest = "", 3: code = "" }) => {
        const place = `docs/guides/${name}:${text.slice(0, index).split("\n").length}`;
        if (!isClaim(claim)) throw new Error(`${place}: expected one of ${CLAIMS.join(", ")}, found "${claim}"`);
        return { place, claim, rest, code };
      },
    );
  });
}

const isClaim = (word: string): word is Claim => CLAIMS.includes(word);

/** A module of its own, for blocks that are none: the SDK's transform wants a plugin. */
const FRAME = `import { HttpContext, registerHttpContext } from "proxy-wasm-assemblyscript-sdk";
class Frame extends HttpContext {}
registerHttpContext("frame", () => new Frame());
`;

export interface Compiled {
  /** What the compiler says; empty if it says nothing. */
  readonly errors: string;
  readonly module: Uint8Array | undefined;
}

/** Compiles blocks into one module, each as a file of its own. */
export async function compileBlocks(blocks: readonly Block[]): Promise<Compiled> {
  const files = new Map(blocks.map(({ place, code }) => [`${place.replaceAll(/[:.]/g, "-")}.ts`, code]));
  files.set("docs/guides/frame.ts", FRAME);
  let errors = "";
  let module: Uint8Array | undefined;
  const { error } = await asc.main(
    [...files.keys(), "--config", "asconfig.json", "--baseDir", root, "--target", "release", "--outFile", "out.wasm"],
    {
      readFile: (name, base) => {
        const code = files.get(name);
        if (code !== undefined) return code;
        try {
          return readFileSync(join(base, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        if (typeof contents !== "string") module = contents;
      },
      stderr: { write: (text) => void (errors += String(text)) },
      stdout: { write: () => undefined },
    },
  );
  return { errors: error === null ? "" : `${errors}${error.message}`, module };
}
