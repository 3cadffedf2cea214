import { isSeq, parseDocument, type Document, type Node } from "yaml";
import { inject, type InjectOptions } from "./inject.ts";
import { difference, pointerPath, type PatchOperation } from "./json-patch.ts";
import { PodError, type Pod } from "./pod.ts";
import { servicesOf, workloadsOf, type Workload } from "./workloads.ts";

/** A file with its pods' sidecars, and what became of each. */
export interface InjectedFile {
  readonly text: string;
  readonly notes: readonly string[];
}

/** What of {@link InjectOptions} does not come from the files. */
export type FileOptions = Omit<InjectOptions, "services" | "isWanted">;

/** A file that cannot be read, or a pod in it that asks for what cannot be. */
export class InjectFileError extends Error {
  override readonly name = "InjectFileError";
}

interface Part {
  /** As it is written, with the line `---` before it. */
  readonly text: string;
  readonly line: number;
  readonly document: Document.Parsed;
  readonly value: unknown;
}

/**
 * Gives the pods in files of YAML or JSON their sidecars. Documents without pods stay as they are, to the letter; in the others
 * comments stay.
 *
 * @throws InjectFileError
 */
export function injectFiles(files: readonly { path: string; text: string }[], options: FileOptions): InjectedFile[] {
  const read = files.map(({ path, text }) => ({ path, parts: partsOf(path, text) }));
  const services = read.flatMap(({ parts }) => parts.flatMap(({ value }) => servicesOf(value)));
  return read.map(({ path, parts }) => {
    const notes: string[] = [];
    const texts = parts.map((part) => {
      try {
        return injectPart(part, (workload) => {
          const namespace = workload.pod.metadata?.namespace ?? workload.namespace ?? options.namespace;
          const near = services.filter((service) => (service.namespace ?? options.namespace) === namespace);
          const injection = inject(workload.pod, { ...options, namespace, services: near, isWanted: true });
          const left = injection.kind === "left";
          notes.push(`${path}: ${workload.name} ${left ? `is left: ${injection.reason}` : "gets a sidecar"}`);
          return left ? undefined : injection.pod;
        });
      } catch (error) {
        if (error instanceof PodError) throw new InjectFileError(`${path}:${part.line}: ${error.message}`);
        throw error;
      }
    });
    return { text: texts.join(""), notes };
  });
}

function partsOf(path: string, text: string): Part[] {
  let line = 1;
  // Nothing but a mark between documents can stand there, in a text of several lines neither.
  return text.split(/^(?=---(?:\s|$))/m).map((part) => {
    const at = line;
    line += part.split("\n").length - 1;
    const document = parseDocument(part, { logLevel: "silent", strict: false });
    const [fault] = document.errors;
    if (fault !== undefined)
      throw new InjectFileError(`${path}:${at + (fault.linePos?.[0].line ?? 1) - 1}: ${fault.message.split("\n")[0]}`);
    return { text: part, line: at, document, value: document.toJS({ maxAliasCount: 10_000 }) as unknown };
  });
}

function injectPart({ text, document, value }: Part, injectPod: (workload: Workload) => Pod | undefined): string {
  const operations: { path: (string | number)[]; operation: PatchOperation }[] = [];
  for (const workload of workloadsOf(value)) {
    const pod = injectPod(workload);
    if (pod === undefined) continue;
    for (const operation of difference(workload.pod, pod)) {
      operations.push({ path: [...workload.path, ...pointerPath(operation.path)], operation });
    }
  }
  if (operations.length === 0) return text;
  for (const { path, operation } of operations) carryOut(document, path, operation);
  return document.toString({ lineWidth: 0 });
}

function carryOut(document: Document, path: readonly (string | number)[], operation: PatchOperation): void {
  if (operation.op === "remove") {
    document.deleteIn(path);
    return;
  }
  const last = path.at(-1);
  const list = document.getIn(path.slice(0, -1));
  // An index is a place among the items for "add", and what `setIn` would write over.
  if (operation.op === "add" && isSeq(list)) list.items.splice(Number(last), 0, nodeOf(document, operation.value));
  else document.setIn(path, nodeOf(document, operation.value));
}

function nodeOf(document: Document, value: unknown): Node {
  // Parts that are one object in memory would otherwise be written once, with an anchor.
  return document.createNode(value, { aliasDuplicateObjects: false });
}
