/** The texts in a module's data, as AssemblyScript keeps them, and the strings and names in its configurations. */
export function wordsOf(module: Uint8Array, configurations: readonly unknown[]): string[] {
  const data = Buffer.from(module).toString("latin1");
  const texts = data.match(/(?:[ -~]\0){2,80}/g) ?? [];
  const words = new Set(texts.map((text) => text.replaceAll("\0", "")));
  for (const configuration of configurations) collect(configuration, words);
  return [...words];
}

function collect(value: unknown, words: Set<string>): void {
  if (typeof value === "string") words.add(value);
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    if (!Array.isArray(value)) words.add(name);
    collect(item, words);
  }
}
