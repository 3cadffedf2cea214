import { readFile, stat } from "node:fs/promises";
import { InputError } from "../../explain/input-error.ts";
import { parseResources, type SourceFile } from "../../model/index.ts";
import { FolderSource } from "../../source/index.ts";
import { readText } from "../read.ts";

/** A file as the API takes it. */
export interface SentFile {
  readonly path: string;
  readonly text: string;
  /** The files that its WasmModules name, in base64. */
  readonly assets: Readonly<Record<string, string>>;
}

/**
 * Reads files and folders, with the modules, schemas and signatures that are named in them. `-` is standard input.
 *
 * @throws InputError when one cannot be read.
 */
export async function readFiles(paths: readonly string[]): Promise<SentFile[]> {
  const files: SentFile[] = [];
  for (const path of paths) for (const file of await sourceFiles(path)) files.push(await withAssets(file));
  return files;
}

async function sourceFiles(path: string): Promise<readonly SourceFile[]> {
  if (path === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    return [{ path: "stdin", text: Buffer.concat(chunks).toString("utf8") }];
  }
  try {
    if ((await stat(path)).isDirectory()) return await new FolderSource(path).list();
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return [{ path, text: await readText(path) }];
}

async function withAssets({ path, text }: SourceFile): Promise<SentFile> {
  const assets: Record<string, string> = {};
  for (const resource of parseResources([{ path, text }]).resources) {
    if (resource.kind !== "WasmModule") continue;
    const { filePath, schemaPath, signaturePath, spec } = resource;
    if (spec.file !== undefined && filePath !== undefined) assets[spec.file] = await readAsset(filePath);
    if (spec.schema !== undefined && schemaPath !== undefined) assets[spec.schema] = await readAsset(schemaPath);
    if (spec.signature !== undefined && signaturePath !== undefined)
      assets[spec.signature] = await readAsset(signaturePath);
  }
  return { path, text, assets };
}

async function readAsset(path: string): Promise<string> {
  try {
    return (await readFile(path)).toString("base64");
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
