import { readFileSync } from "node:fs";
import { InputError } from "../explain/input-error.ts";
import {
  injectFiles,
  InjectFileError,
  parseSettings,
  SettingsError,
  usualSettings,
  type InjectSettings,
} from "../inject/index.ts";
import { CertificateError, readTrust } from "../security/index.ts";

export interface InjectFlags {
  readonly filename: readonly string[];
  readonly settings?: string;
  readonly trust?: string;
  readonly namespace: string;
  readonly quiet: boolean;
}

/** `meshwright inject`. Nothing is printed unless all files are good. */
export function injectCommand({ filename, settings: file, trust, namespace, quiet }: InjectFlags): void {
  try {
    const settings = file === undefined ? usualSettings() : parseSettings(read(file), file);
    const injected = injectFiles(
      filename.map((path) => ({ path: path === "-" ? "standard input" : path, text: read(path) })),
      { settings, namespace, ...trustOf(trust, settings) },
    );
    if (!quiet) for (const { notes } of injected) for (const note of notes) process.stderr.write(`${note}\n`);
    process.stdout.write(joined(injected.map(({ text }) => text)));
  } catch (error) {
    const isTheirs = [InjectFileError, SettingsError, CertificateError].some((kind) => error instanceof kind);
    if (!isTheirs || !(error instanceof Error)) throw error;
    throw new InputError(error.message);
  }
}

function trustOf(file: string | undefined, { controlPlane }: InjectSettings): { readonly trust?: string } {
  if (file !== undefined) return { trust: readTrust(file) };
  if (controlPlane.insecure) return {};
  throw new InputError("--trust is needed: a file with the certificate of the control plane's authority");
}

function read(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Files as one stream of documents. */
function joined(texts: readonly string[]): string {
  const ended = texts.map((text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`));
  return ended.map((text, i) => (i === 0 || /^---(\s|$)/.test(text) ? text : `---\n${text}`)).join("");
}
