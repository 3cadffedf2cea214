import type { IncomingMessage } from "node:http";
import type { AppliedFile } from "../journal/index.ts";

/** What a request may hold at most, in bytes: resources with their modules. */
const MAX_BODY = 32 * 1024 * 1024;

/** A request that cannot be answered as it is. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws RequestError when it is too large. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // The rest is read and thrown away, so that the client hears why.
    if (size <= MAX_BODY) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > MAX_BODY) throw new RequestError(413, `expected a body of at most ${MAX_BODY} bytes, found ${size}`);
  return Buffer.concat(chunks);
}

/** The body of `apply` and `diff`. */
export interface ApplyBody {
  readonly files: readonly AppliedFile[];
  readonly message: string;
}

/**
 * Reads `{"files": [{"path", "text", "assets": {name: base64}}], "message"}`, or the text of one file of YAML.
 *
 * @throws RequestError
 */
export function parseApply(contentType: string, body: Buffer): ApplyBody {
  if (/^(application\/(x-)?yaml|text\/yaml)\b/.test(contentType)) {
    return { files: [{ path: "request", text: body.toString("utf8"), assets: new Map() }], message: "" };
  }
  const value = parseJson(contentType, body);
  const { files, message = "" } = value;
  return { files: parseFiles(files), message: text(message, "message") };
}

/** @throws RequestError when it is no array of files as {@link parseApply} reads them. */
export function parseFiles(files: unknown): readonly AppliedFile[] {
  if (!Array.isArray(files)) throw new RequestError(400, "files: expected an array");
  return files.map(parseFile);
}

/** @throws RequestError when it is no JSON object. */
export function parseJson(contentType: string, body: Buffer): Readonly<Record<string, unknown>> {
  if (!/^application\/json\b/.test(contentType)) {
    throw new RequestError(
      415,
      `expected content-type application/json or application/yaml, found ${JSON.stringify(contentType)}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new RequestError(400, `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RequestError(400, "expected a JSON object");
  }
  return value as Record<string, unknown>;
}

/** @throws RequestError when it is no text of at most 1000 characters. */
export function text(value: unknown, path: string, limit = 1000): string {
  if (typeof value !== "string") throw new RequestError(400, `${path}: expected a string`);
  if (value.length > limit) throw new RequestError(400, `${path}: expected at most ${limit} characters`);
  return value;
}

/** @throws RequestError when it is no whole number from 0. */
export function wholeNumber(value: unknown, path: string): number {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) {
    throw new RequestError(400, `${path}: expected a whole number, 0 or more`);
  }
  return number;
}

function parseFile(value: unknown, index: number): AppliedFile {
  const path = `files[${index}]`;
  if (typeof value !== "object" || value === null) throw new RequestError(400, `${path}: expected an object`);
  const file = value as { path?: unknown; text?: unknown; assets?: unknown };
  const assets = new Map<string, Uint8Array>();
  if (file.assets !== undefined && (typeof file.assets !== "object" || file.assets === null)) {
    throw new RequestError(400, `${path}.assets: expected an object`);
  }
  for (const [name, content] of Object.entries(file.assets ?? {})) {
    assets.set(name, Buffer.from(text(content, `${path}.assets[${JSON.stringify(name)}]`, MAX_BODY), "base64"));
  }
  return { path: text(file.path, `${path}.path`), text: text(file.text, `${path}.text`, MAX_BODY), assets };
}
