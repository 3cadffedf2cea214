import { token } from "./session.ts";

/** The API refuses, or does not answer. */
export class ApiError extends Error {
  /** Of HTTP; 0 where there is no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The last answer of each path that is asked for again and again. */
const kept = new Map<string, { readonly etag: string; readonly body: unknown }>();

/**
 * What the API tells; the same object as before where nothing changed.
 *
 * @throws ApiError
 */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const last = kept.get(path);
  const response = await send(path, {
    cache: "no-store",
    headers: last === undefined ? {} : { "if-none-match": last.etag },
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.status === 304 && last !== undefined) return last.body as T;
  const body = await bodyOf(response);
  const etag = response.headers.get("etag");
  if (etag !== null) kept.set(path, { etag, body });
  return body as T;
}

/** @throws ApiError */
export async function post<T>(path: string): Promise<T> {
  return (await bodyOf(await send(path, { method: "POST" }))) as T;
}

interface Sending extends Omit<RequestInit, "headers"> {
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(path: string, init: Sending): Promise<Response> {
  const mine = token();
  const headers = { ...init.headers, ...(mine === undefined ? {} : { authorization: `Bearer ${mine}` }) };
  try {
    return await fetch(`/api/v1/${path}`, { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "the control plane does not answer");
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    throw new ApiError(response.status, `the control plane answered with status ${response.status}`);
  }
  if (response.ok) return body;
  const { error } = body as { error?: unknown };
  throw new ApiError(response.status, typeof error === "string" ? error : `status ${response.status}`);
}
