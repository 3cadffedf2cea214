// Runs asc in a process of its own, for `Compiler`. Stays ready between compilations, because loading asc takes longer than
// compiling a small filter.

/** What `assemblyscript/asc` exports, as far as it is used here. */
interface Asc {
  main(
    argv: readonly string[],
    options: { readonly stdout: TextStream; readonly stderr: TextStream },
  ): Promise<{ readonly error: Error | null; readonly stderr: TextStream }>;
  createMemoryStream(): TextStream;
}

interface TextStream {
  toString(): string;
}

const [, , compiler = ""] = process.argv;
const asc = (await import(compiler)) as Asc;

process.on("message", (argv: readonly string[]) => {
  void compile(argv).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

async function compile(argv: readonly string[]): Promise<{ ok: boolean; said: string }> {
  const stdout = asc.createMemoryStream();
  const stderr = asc.createMemoryStream();
  try {
    const { error } = await asc.main(argv, { stdout, stderr });
    const said = stderr.toString();
    // asc prints most failures itself; one of a transform or of the file system may only be thrown.
    return { ok: error === null, said: error === null || said !== "" ? said : error.message };
  } catch (error) {
    return { ok: false, said: error instanceof Error ? error.message : String(error) };
  }
}
