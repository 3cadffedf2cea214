import { Parser } from "yaml";
import { readDocuments, type SourceFile } from "../model/index.ts";

/** One document of a file, cut out as it was written. */
export interface TextDocument extends SourceFile {
  readonly line: number;
}

/** Which resource a document is. */
export interface Identity {
  readonly kind: string;
  readonly name: string;
}

/** Cuts a YAML or JSON file into its documents. What is between two of them stays with the first. */
export function splitDocuments({ path, text }: Pick<SourceFile, "path" | "text">): TextDocument[] {
  const starts: number[] = [];
  let isOpen = false;
  for (const token of new Parser().parse(text)) {
    // Directives such as %YAML stand before their document.
    if (token.type !== "document" && token.type !== "directive") continue;
    if (!isOpen) starts.push(token.offset);
    isOpen = token.type === "directive";
  }
  starts[0] = 0;
  return starts
    .map((start, i) => ({
      path,
      text: text.slice(start, starts[i + 1]),
      line: countLines(text.slice(0, start)),
    }))
    .filter((document) => !isBlank(document.text));
}

/** What a document says it is; undefined when it does not say, or cannot be read. */
export function identityOf(document: TextDocument): Identity | undefined {
  const { documents } = readDocuments(document);
  const value = documents[0]?.value as { kind?: unknown; metadata?: { name?: unknown } | null } | null | undefined;
  const [kind, name] = [value?.kind, value?.metadata?.name];
  return typeof kind === "string" && typeof name === "string" ? { kind, name } : undefined;
}

/** Several documents in one file of YAML. */
export function joinDocuments(texts: readonly string[]): string {
  return texts
    .map((text, i) => {
      const ended = text.endsWith("\n") ? text : `${text}\n`;
      return i === 0 || /^(---|%)/m.test(ended.split("\n").find((line) => !/^\s*(#.*)?$/.test(line)) ?? "")
        ? ended
        : `---\n${ended}`;
    })
    .join("");
}

function countLines(text: string): number {
  return text.split("\n").length;
}

function isBlank(text: string): boolean {
  return text.split("\n").every((line) => /^\s*(#.*|---|\.\.\.)?\s*$/.test(line));
}
