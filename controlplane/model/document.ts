import { Composer, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, Parser } from "yaml";
import type { CST, Node } from "yaml";
import { formatPath } from "./path.ts";
import type { Path } from "./path.ts";
import type { Position, Problem } from "./problem.ts";

/** A file as a source gives it. `path` is what messages show and what relative paths within the file begin from. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The line of the file on which the text begins, where it is a part of one. Default: 1. */
  readonly line?: number;
  /** Who has it, for messages about what two have; such as `the folder mesh`. */
  readonly owner?: string;
  /** Where the source has the files that are named in the text, by what they are named. Default: beside the file. */
  readonly assets?: Readonly<Record<string, string>>;
  /** Where the source keeps what Certificates name, for one that keeps secrets: by what they are named. Default: in files, beside this one. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** One document of a YAML or JSON file: its value, which JSON could express, and where each part of it stands. */
export interface Document {
  readonly value: unknown;
  readonly origin: Origin;
}

// Limits against files that would cost more time or memory than any real one.
const maxFileLength = 8 * 1024 * 1024;
const maxDepth = 100;
const maxAliasedNodes = 100_000;
const maxSyntaxFaults = 20;

/**
 * Reads all documents of a YAML 1.2 file (JSON is YAML). Empty documents are left out. A document with a fault gives
 * problems and no value. Never throws.
 */
export function readDocuments(file: SourceFile): { documents: Document[]; problems: Problem[] } {
  const whole = (message: string): { documents: Document[]; problems: Problem[] } => ({
    documents: [],
    problems: [{ file: file.path, line: file.line ?? 1, column: 1, path: "", message }],
  });
  if (file.text.length > maxFileLength) return whole(`the file is larger than ${maxFileLength} characters`);
  const lines = new Lines(file.line ?? 1);
  const tokens = [...new Parser(lines.counter.addNewLine).parse(file.text)];
  // The composer recurses, and V8 can abort the whole process where the stack runs out; the parser above does not.
  if (tokens.some((token) => token.type === "document" && deeperThan(maxDepth, token.value))) {
    return whole(`nested deeper than ${maxDepth} levels`);
  }
  const options = { stringKeys: true, uniqueKeys: false, merge: false, resolveKnownTags: false } as const;
  const parsed = [...new Composer({ ...options, prettyErrors: false, logLevel: "silent" }).compose(tokens)];

  const documents: Document[] = [];
  const problems: Problem[] = [];
  for (const document of parsed) {
    const faults = [...document.errors, ...document.warnings];
    for (const { pos, message } of faults.slice(0, maxSyntaxFaults)) {
      problems.push({ file: file.path, ...lines.place(pos[0]), path: "", message: `YAML: ${message}` });
    }
    if (faults.length > 0 || document.contents === null || isEmpty(document.contents)) continue;
    const converter = new Converter();
    const origin = new Origin(file, document.contents, lines, converter.targets);
    const value = converter.convert(document.contents, []);
    if (converter.faults.length === 0) documents.push({ value, origin });
    else problems.push(...converter.faults.map((fault) => origin.problemAtNode(fault.node, fault.path, fault.message)));
  }
  return { documents, problems };
}

function deeperThan(limit: number, root: CST.Token | undefined): boolean {
  const open: { token: CST.Token | null | undefined; depth: number }[] = [{ token: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > limit) return true;
    if (!token || !("items" in token)) continue;
    for (const { key, value } of token.items)
      open.push({ token: key, depth: depth + 1 }, { token: value, depth: depth + 1 });
  }
  return false;
}

const owners = new WeakMap<Problem, Origin>();

/** The document that a problem was found in, where one document has it. */
export function originOf(problem: Problem): Origin | undefined {
  return owners.get(problem);
}

/** Where a document was written: finds the place of any part of it. */
export class Origin {
  readonly file: string;
  /** As {@link SourceFile} has them. */
  readonly owner: string | undefined;
  readonly assets: Readonly<Record<string, string>> | undefined;
  readonly secrets: Readonly<Record<string, string>> | undefined;
  readonly #root: Node;
  readonly #lines: Lines;
  readonly #targets: ReadonlyMap<Node, Node>;

  constructor(file: SourceFile, root: Node, lines: Lines, targets: ReadonlyMap<Node, Node>) {
    this.file = file.path;
    this.owner = file.owner;
    this.assets = file.assets;
    this.secrets = file.secrets;
    this.#root = root;
    this.#lines = lines;
    this.#targets = targets;
  }

  /**
   * The place of the value at `path`, or of its key. Where `path` leads to nothing that was written, the place is that
   * of the nearest part around it.
   */
  locate(path: Path, at: "key" | "value" = "value"): Position {
    let node = this.#root;
    let keyNode = this.#root;
    for (const segment of path) {
      const target = this.#targets.get(node) ?? node;
      const found = child(target, segment);
      if (found === undefined) return this.#place(keyNode);
      [keyNode, node] = found;
    }
    return this.#place(at === "key" ? keyNode : node);
  }

  /** A problem with the value at `path`, or with its key. */
  problem(path: Path, message: string, at: "key" | "value" = "value"): Problem {
    return this.#own({ ...this.locate(path, at), path: formatPath(path), message });
  }

  /** A problem with a part for which the document has no path of its own, such as a second key of one name. */
  problemAtNode(node: Node, path: Path, message: string): Problem {
    return this.#own({ ...this.#place(node), path: formatPath(path), message });
  }

  #own(problem: Problem): Problem {
    owners.set(problem, this);
    return problem;
  }

  #place(node: Node): Position {
    return { file: this.file, ...this.#lines.place(node.range?.[0] ?? 0) };
  }
}

/** The key and the value of one part of a map or a list; an item of a list is its own key. */
function child(node: Node, segment: string | number): [key: Node, value: Node] | undefined {
  if (isSeq<Node>(node) && typeof segment === "number") {
    const item = node.items[segment];
    return item === undefined ? undefined : [item, item];
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment);
  if (pair === undefined) return undefined;
  // Where nothing is written there is no place, either.
  return [pair.key, pair.value === null || isEmpty(pair.value) ? pair.key : pair.value];
}

/** Finds the line and column of an offset in a text that begins on the line `first`. */
class Lines {
  readonly counter = new LineCounter();
  readonly #first: number;

  constructor(first: number) {
    this.#first = first;
  }

  place(offset: number): { line: number; column: number } {
    const { line, col } = this.counter.linePos(offset);
    return { line: Math.max(line, 1) + this.#first - 1, column: Math.max(col, 1) };
  }
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null && node.source === "" && node.anchor === undefined;
}

/** Turns YAML nodes into what JSON can express, and collects what it cannot. */
class Converter {
  readonly faults: { node: Node; path: Path; message: string }[] = [];
  /** What each alias stands for. */
  readonly targets = new Map<Node, Node>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #expanding = 0;
  #aliasedNodes = 0;

  convert(node: Node | null, path: Path): unknown {
    if (node === null) return null;
    if (path.length > maxDepth) return this.#fault(node, path, `nested deeper than ${maxDepth} levels`);
    if (isAlias(node)) return this.#alias(node, node.source, path);
    if (this.#expanding > 0) this.#aliasedNodes++;
    else if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node, node.value, path);

    this.#open.add(node);
    let value: unknown;
    if (isSeq<Node>(node)) {
      value = node.items.map((item, index) =>
        isPair(item) ? this.#fault(node, path, "unexpected key") : this.convert(item, [...path, index]),
      );
    } else if (isMap<Node, Node | null>(node)) {
      value = this.#map(node.items, path);
    }
    this.#open.delete(node);
    return value;
  }

  #map(pairs: readonly { key: Node; value: Node | null }[], path: Path): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      if (!isScalar(key) || typeof key.value !== "string") {
        this.#fault(key, path, "expected a string as key; put it in quotes");
      } else if (Object.hasOwn(map, key.value)) {
        this.#fault(key, [...path, key.value], "the key is there twice");
      } else {
        // A plain assignment to "__proto__" would set the prototype.
        const converted = this.convert(value, [...path, key.value]);
        Object.defineProperty(map, key.value, {
          value: converted,
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
    }
    return map;
  }

  #alias(node: Node, name: string, path: Path): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#fault(node, path, `there is no anchor &${name} before this alias`);
    if (this.#open.has(target)) return this.#fault(node, path, `the alias *${name} stands within its own anchor`);
    if (this.#aliasedNodes > maxAliasedNodes) return undefined;
    this.targets.set(node, target);
    this.#expanding++;
    const value = this.convert(target, path);
    this.#expanding--;
    if (this.#expanding === 0 && this.#aliasedNodes > maxAliasedNodes) {
      this.#fault(node, path, `aliases stand for more than ${maxAliasedNodes} values`);
    }
    return value;
  }

  #scalar(node: Node, value: unknown, path: Path): unknown {
    switch (typeof value) {
      case "boolean":
        return value;
      case "string":
        return /\p{Surrogate}/u.test(value) ? this.#fault(node, path, "the text is not valid Unicode") : value;
      case "number":
        if (!Number.isFinite(value)) return this.#fault(node, path, `${value} is not a number that JSON has`);
        if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
          return this.#fault(
            node,
            path,
            "the integer is too large to be kept exactly; write it as a string, in quotes",
          );
        }
        return value;
      default:
        return value === null ? null : this.#fault(node, path, "a value that JSON does not have");
    }
  }

  #fault(node: Node, path: Path, message: string): null {
    this.faults.push({ node, path, message });
    return null;
  }
}
